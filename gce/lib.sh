# shellcheck shell=bash
# lib: what the scripts of this folder share. Sourced, never run.
#
#     . "$(dirname "$(readlink -f "$0")")/lib.sh"
#     parse "$@"                          common flags are taken; the others stay in REST
#     ensure "what it is" describe... -- create...
#     call gcloud ...                     runs it, or with --dry-run prints it
#
# Everything that changes the cloud goes through call, create or remove: so --dry-run prints it all
# and changes nothing. It asks nothing either: it prints what an empty project would need.
#
# A question that fails is never taken for "it is not there": only an answer that says so is.

set -euo pipefail
shopt -s inherit_errexit

# Cluster-wide settings, each a flag of every script.
NAME=${MRLUA_CLUSTER:-mrlua}
PROJECT=${MRLUA_PROJECT:-}
BUCKET=${MRLUA_BUCKET:-}
ZONES=${MRLUA_ZONES:-us-central1-a,us-central1-b,us-central1-c,us-central1-f}
DRY_RUN=
REST=()

EX_STOCK_OUT=75 # of a function: the zone has no such machines now
POLL_SECONDS=${MRLUA_GCE_POLL_SECONDS:-5}

ERRORS=$(mktemp)
trap 'rm -f "$ERRORS"' EXIT

fail() {
  printf 'mrlua: %s\n' "$*" >&2
  exit 1
}

usage_fail() {
  printf "mrlua: %s\ntry '%s --help'\n" "$*" "$(basename "$0")" >&2
  exit 2
}

# What is going on, for people.
say() {
  if [ -z "$DRY_RUN" ]; then
    printf '%s\n' "$*" >&2
  fi
}

# A command line that a shell reads as these words.
quoted() {
  local word line=
  for word; do
    if [[ ! $word =~ ^[A-Za-z0-9_@%+=:,./^~-]+$ ]]; then
      word="'${word//\'/\'\\\'\'}'"
    fi
    line+="${line:+ }$word"
  done
  printf '%s' "$line"
}

# Runs a command, or prints it.
call() {
  if [ -n "$DRY_RUN" ]; then
    quoted "$@"
    printf '\n'
  else
    "$@"
  fi
}

# The value behind --flag, which must be there.
value_of() {
  [ $# -ge 2 ] || usage_fail "option '$1' wants a value"
  printf '%s' "$2"
}

# $2, the value of flag $1, if it is a whole number from $3 to $4.
whole_number() {
  if [[ ! $2 =~ ^[0-9]{1,9}$ ]] || [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
    usage_fail "$1: '$2' is not a whole number from $3 to $4"
  fi
  printf '%s' "$2"
}

# Takes --name, --project, --bucket, --zones, --dry-run and --help; REST holds what is left. The
# text of --help is the first comment of the script.
parse() {
  REST=()
  while [ $# -gt 0 ]; do
    case $1 in
      --name) NAME=$(value_of "$@"); shift ;;
      --project) PROJECT=$(value_of "$@"); shift ;;
      --bucket) BUCKET=$(value_of "$@"); shift ;;
      --zones) ZONES=$(value_of "$@"); shift ;;
      --dry-run) DRY_RUN=1 ;;
      -h | --help) help_text; exit 0 ;;
      --) REST+=("$@"); break ;;
      *) REST+=("$1") ;;
    esac
    shift
  done
  BUCKET=${BUCKET#gs://}
  BUCKET=${BUCKET%/}
  check_names
}

help_text() {
  awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"
}

check_names() {
  local zone
  [[ $NAME =~ ^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$ ]] ||
    usage_fail "'$NAME' is no name of a cluster: letters, digits and '-', at most 20"
  [[ $BUCKET =~ ^[a-z0-9._-]*$ ]] || usage_fail "'$BUCKET' is no name of a bucket"
  REGION=${ZONES%%,*}
  REGION=${REGION%-*}
  for zone in ${ZONES//,/ }; do
    [[ $zone =~ ^[a-z0-9-]+-[a-z]$ ]] || usage_fail "'$zone' is no zone"
    [ "${zone%-*}" = "$REGION" ] ||
      usage_fail "'$zone' is not in $REGION: a cluster lives in one region, where its data is"
  done
}

# The project: --project, else MRLUA_PROJECT, else what gcloud is configured with.
need_project() {
  if [ -n "$DRY_RUN" ]; then
    PROJECT=${PROJECT:-PROJECT}
    return
  fi
  command -v gcloud >/dev/null || fail "gcloud is not installed: https://cloud.google.com/sdk"
  if [ -z "$PROJECT" ]; then
    PROJECT=$(gcloud config get-value project 2>/dev/null) || PROJECT=
  fi
  case $PROJECT in
    '' | '(unset)') fail "which project? --project ID, or: gcloud config set project ID" ;;
  esac
  export CLOUDSDK_CORE_PROJECT=$PROJECT CLOUDSDK_CORE_DISABLE_PROMPTS=1
  export CLOUDSDK_CORE_VERBOSITY=error # no warning about a filter that found nothing
}

need_bucket() {
  if [ -z "$BUCKET" ]; then
    [ -n "$DRY_RUN" ] || usage_fail "which bucket? --bucket NAME, or MRLUA_BUCKET"
    BUCKET=BUCKET
  fi
}

# Names of what a cluster consists of.
# shellcheck disable=SC2034 # the scripts use them
names() {
  NETWORK=$NAME SUBNET=$NAME-$REGION
  MASTER=$NAME-master WORKERS=$NAME-workers JOURNAL=$NAME-journal SECRET=$NAME-secret
  HEALTH=$NAME-worker IMAGE_FAMILY=${MRLUA_IMAGE_FAMILY:-mrlua}
  MASTER_ACCOUNT=$NAME-master@$PROJECT.iam.gserviceaccount.com
  WORKER_ACCOUNT=$NAME-worker@$PROJECT.iam.gserviceaccount.com
  ROLE=mrlua_fleet_${NAME//-/_}
}

is_absent() {
  grep -qiE 'not[ _]found|does not exist|HTTPError 404|404:' "$ERRORS"
}

# Is it there? $@: a command that describes it.
there() {
  if [ -n "$DRY_RUN" ]; then
    return 1
  elif "$@" >/dev/null 2>"$ERRORS"; then
    return 0
  elif is_absent; then
    return 1
  fi
  cat "$ERRORS" >&2
  fail "no answer to: $(quoted "$@")"
}

is_stock_out() {
  grep -qE 'ZONE_RESOURCE_POOL_EXHAUSTED|does not have enough resources available|STOCKOUT' "$1"
}

# Creates something: 0 also when it is there already (an interrupted command was faster than it
# looked), EX_STOCK_OUT when the zone has none. Everything else ends the script, with the reason.
create() {
  if [ -n "$DRY_RUN" ]; then
    call "$@"
  elif "$@" >/dev/null 2>"$ERRORS" || grep -qiE 'already exists|alreadyExists' "$ERRORS"; then
    return 0
  elif is_stock_out "$ERRORS"; then
    return $EX_STOCK_OUT
  else
    cat "$ERRORS" >&2
    fail "failed: $(quoted "$@")"
  fi
}

# The same for what has no answer in a zone.
must_create() {
  create "$@" || fail "the zone is out of: $(quoted "$@")"
}

# ensure WHAT describe... -- create...: creates it unless it is there.
ensure() {
  local what=$1 question=()
  shift
  while [ "$1" != -- ]; do
    question+=("$1")
    shift
  done
  shift
  if ! there "${question[@]}"; then
    say "create $what"
    must_create "$@"
  fi
}

# A new account is not known everywhere at once: what names it may fail for some seconds.
settled() {
  local try
  if [ -n "$DRY_RUN" ]; then
    call "$@"
    return
  fi
  for try in 1 2 3 4 5 6; do
    if "$@" >/dev/null 2>"$ERRORS"; then
      return 0
    elif ! is_absent; then
      break
    fi
    say "  not known everywhere yet, try $try"
    sleep "$POLL_SECONDS"
  done
  cat "$ERRORS" >&2
  fail "failed: $(quoted "$@")"
}

# Deletes something; that it is not there is fine. $1: what; $2...: the command. Answers 1, and
# remembers it in KEPT, when it could not.
KEPT=()
remove() {
  local what=$1
  shift
  if [ -n "$DRY_RUN" ]; then
    call "$@"
  elif "$@" >/dev/null 2>"$ERRORS"; then
    say "deleted $what"
  elif ! is_absent; then
    cat "$ERRORS" >&2
    KEPT+=("$what")
    return 1
  fi
}

# The zone where the named kind of thing is, or nothing. $1: instances, disks, "instance-groups
# managed"; $2: its name.
zone_of() {
  local kind=$1
  [ -z "$DRY_RUN" ] || return 0
  # shellcheck disable=SC2086 # a kind is one or two words
  gcloud compute $kind list --filter="name=$2" --format='value(zone.basename())' ||
    fail "which zone has $2? gcloud did not answer"
}

# The zone of the cluster, which must exist.
need_zone() {
  if [ -n "$DRY_RUN" ]; then
    ZONE=${ZONES%%,*}
    return
  fi
  ZONE=$(zone_of instances "$MASTER")
  ZONE=${ZONE:-$(zone_of "instance-groups managed" "$WORKERS")}
  [ -n "$ZONE" ] || fail "cluster '$NAME' is not there: 'mrlua cluster up' makes it"
}

# ssh to the master, or to VM $1 when the first word is an instance of the cluster; nothing of the
# cluster has an address of its own in the internet, so it goes through IAP.
ssh_command() {
  local vm=$1
  shift
  SSH=(gcloud compute ssh "$vm" --project="$PROJECT" --zone="$ZONE" --tunnel-through-iap)
  if [ $# -gt 0 ]; then
    SSH+=("$@")
  fi
}

# A price of gce/prices.tsv: kind, name. Nothing when it is not in there.
price() {
  awk -F '\t' -v kind="$1" -v name="$2" '$1 == kind && $2 == name { print $3; exit }' \
    "$(dirname "$(readlink -f "$0")")/prices.tsv"
}
