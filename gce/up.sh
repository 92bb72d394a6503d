#!/usr/bin/env bash
# Brings a cluster up: a master and a group of workers.
#
#     mrlua cluster up --bucket BUCKET [flags]
#
#   --bucket NAME        where inputs and outputs are; made if it is not there
#   --workers N          machines of the group (default 4)
#   --machine TYPE       of the workers (default n2-standard-8)
#   --local-ssds N       local SSDs of 375 GB per worker, for what maps leave (default 1)
#   --on-demand          no spot machines: three times the price, and nobody takes them away
#   --master-machine T   (default e2-standard-2)
#   --zones A,B,...      of one region, tried in this order (default us-central1-a,b,c,f)
#   --max-idle S         seconds without a job until the cluster ends by itself (default 1800)
#   --max-hours H        no machine runs longer than that (default 24)
#   --autoscale N        lets the group grow up to N machines while there are tasks
#   --bucket-only        make the bucket with its rule for temporary objects, and nothing else
#   --name NAME          of the cluster (default mrlua); --project ID; --dry-run
#
# It can be run again at any time: what is there is left alone, what is missing is made.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$(dirname "$(readlink -f "$0")")/project.sh"

WORKER_COUNT=4 MACHINE=n2-standard-8 LOCAL_SSDS=1 IS_SPOT=1 MASTER_MACHINE=e2-standard-2
MAX_IDLE=1800 MAX_HOURS=24 AUTOSCALE='' BUCKET_ONLY=''
JOURNAL_GB=20 TASKS_PER_SLOT=4
START_SECONDS=${MRLUA_GCE_START_SECONDS:-600}
GROUP_IS_NEW='' MASTER_IS_NEW='' JOURNAL_IS_NEW=''

parse_flags() {
  local flag value
  while [ $# -gt 0 ]; do
    flag=$1
    case $flag in
      --on-demand) IS_SPOT=''; shift; continue ;;
      --bucket-only) BUCKET_ONLY=1; shift; continue ;;
    esac
    value=$(value_of "$@")
    case $flag in
      --workers) WORKER_COUNT=$(whole_number "$flag" "$value" 1 1000) ;;
      --machine) MACHINE=$value ;;
      --local-ssds) LOCAL_SSDS=$(whole_number "$flag" "$value" 0 24) ;;
      --master-machine) MASTER_MACHINE=$value ;;
      --max-idle) MAX_IDLE=$(whole_number "$flag" "$value" 60 604800) ;;
      --max-hours) MAX_HOURS=$(whole_number "$flag" "$value" 1 168) ;;
      --autoscale) AUTOSCALE=$(whole_number "$flag" "$value" 1 1000) ;;
      *) usage_fail "unknown option '$flag'" ;;
    esac
    shift 2
  done
}

make_firewall() {
  local both=$MASTER_ACCOUNT,$WORKER_ACCOUNT
  ensure "firewall rule $NAME-cluster" gcloud compute firewall-rules describe "$NAME-cluster" -- \
    gcloud compute firewall-rules create "$NAME-cluster" --network="$NETWORK" \
    --direction=INGRESS --allow=tcp:7070,tcp:7071 \
    --source-service-accounts="$both" --target-service-accounts="$both"
  ensure "firewall rule $NAME-health" gcloud compute firewall-rules describe "$NAME-health" -- \
    gcloud compute firewall-rules create "$NAME-health" --network="$NETWORK" \
    --direction=INGRESS --allow=tcp:7071 --source-ranges=130.211.0.0/22,35.191.0.0/16 \
    --target-service-accounts="$WORKER_ACCOUNT"
}

new_secret() {
  printf 'mrlua-secret 1 %s\n' "$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n')"
}

# The secret goes from the random numbers through a pipe to Secret Manager: it is in no argument,
# no file, no metadata. An interrupted `up` may have left one without a version.
make_secret() {
  local versions
  ensure "secret $SECRET" gcloud secrets describe "$SECRET" -- \
    gcloud secrets create "$SECRET" --replication-policy=automatic
  if [ -n "$DRY_RUN" ]; then
    printf '%s' "{ printf 'mrlua-secret 1 '; head -c 32 /dev/urandom | od -An -v -tx1 |" \
      " tr -d ' \\n'; echo; } | "
    call gcloud secrets versions add "$SECRET" --data-file=-
    return
  fi
  versions=$(gcloud secrets versions list "$SECRET" --filter=state=ENABLED \
    --format='value(name)') ||
    fail "no answer about the versions of $SECRET"
  if [ -z "$versions" ]; then
    say "put a new secret into $SECRET"
    new_secret | gcloud secrets versions add "$SECRET" --data-file=- >/dev/null 2>"$ERRORS" ||
      { cat "$ERRORS" >&2; fail "the secret was not stored"; }
  fi
}

# The master may look at, resize and delete its own group and stop itself; nothing else. A role that
# was deleted keeps its name for 37 days: it is brought back.
make_role() {
  local is_deleted permissions
  permissions=compute.instanceGroupManagers.get,compute.instanceGroupManagers.update
  permissions+=,compute.instanceGroupManagers.delete,compute.instances.get,compute.instances.stop
  if there gcloud iam roles describe "$ROLE" --project="$PROJECT"; then
    is_deleted=$(gcloud iam roles describe "$ROLE" --project="$PROJECT" \
      --format='value(deleted)') ||
      fail "no answer about the role $ROLE"
    if [ "$is_deleted" = True ]; then
      must_create gcloud iam roles undelete "$ROLE" --project="$PROJECT"
    fi
  else
    say "create role $ROLE"
    must_create gcloud iam roles create "$ROLE" --project="$PROJECT" --stage=GA \
      --title="$NAME: end the own fleet" --permissions="$permissions"
  fi
}

# Granting what is granted already changes nothing.
grant() {
  local who condition role
  for who in "$MASTER_ACCOUNT" "$WORKER_ACCOUNT"; do
    grant_bucket "$who"
    settled gcloud secrets add-iam-policy-binding "$SECRET" \
      --member="serviceAccount:$who" --role=roles/secretmanager.secretAccessor
    for role in logging.logWriter monitoring.metricWriter; do
      settled gcloud projects add-iam-policy-binding "$PROJECT" \
        --member="serviceAccount:$who" --role="roles/$role" --condition=None
    done
  done
  condition="resource.name.endsWith('/instanceGroupManagers/$WORKERS') ||"
  condition+=" resource.name.endsWith('/instances/$MASTER')"
  settled gcloud projects add-iam-policy-binding "$PROJECT" \
    --member="serviceAccount:$MASTER_ACCOUNT" --role="projects/$PROJECT/roles/$ROLE" \
    --condition="title=own-fleet,expression=$condition"
}

# What a dead cluster left in the bucket goes away after a week. Rules that others wrote are not
# touched: there is no way to add one to them that cannot lose one.
make_lifecycle() {
  local rules file
  file=$(dirname "$(readlink -f "$0")")/lifecycle.json
  rules=
  if [ -z "$DRY_RUN" ]; then
    rules=$(gcloud storage buckets describe "gs://$BUCKET" --format='value(lifecycle_config)') ||
      fail "no answer about gs://$BUCKET"
  fi
  if [ -z "$rules" ]; then
    must_create gcloud storage buckets update "gs://$BUCKET" --lifecycle-file="$file"
  elif [[ $rules != *mrlua-tmp/* ]]; then
    say "gs://$BUCKET has lifecycle rules of its own: add that of $file to them"
  fi
}

# Templates cannot change, so the name says what is in it: other settings, another template.
make_template() {
  local i arguments=(
    --machine-type="$MACHINE" --image-family="$IMAGE_FAMILY" --image-project="$PROJECT"
    --region="$REGION" --subnet="$SUBNET" --no-address
    --service-account="$WORKER_ACCOUNT" --scopes=cloud-platform
    --boot-disk-size=20GB --boot-disk-type=pd-balanced
    --max-run-duration="${MAX_HOURS}h" --instance-termination-action=DELETE
    --shielded-secure-boot --labels="mrlua=$NAME"
    --metadata="mrlua-role=worker,mrlua-master=$MASTER,mrlua-secret=$SECRET"
  )
  if [ -n "$IS_SPOT" ]; then
    arguments+=(--provisioning-model=SPOT)
  fi
  for ((i = 0; i < LOCAL_SSDS; i++)); do
    arguments+=(--local-ssd=interface=nvme)
  done
  TEMPLATE=$NAME-worker-$(printf '%s\n' "${arguments[@]}" | sha256sum | cut -c 1-8)
  ensure "template $TEMPLATE" gcloud compute instance-templates describe "$TEMPLATE" -- \
    gcloud compute instance-templates create "$TEMPLATE" "${arguments[@]}"
}

make_health_check() {
  ensure "health check $HEALTH" gcloud compute health-checks describe "$HEALTH" -- \
    gcloud compute health-checks create tcp "$HEALTH" --port=7071 --check-interval=30s \
    --timeout=10s --unhealthy-threshold=5
}

# The journal is on a disk of its own: the master may be deleted and made again.
make_journal() {
  if ! there gcloud compute disks describe "$JOURNAL" --zone="$ZONE"; then
    say "create disk $JOURNAL in $ZONE"
    create gcloud compute disks create "$JOURNAL" --zone="$ZONE" --size="${JOURNAL_GB}GB" \
      --type=pd-balanced --labels="mrlua=$NAME" || return $?
    JOURNAL_IS_NEW=1
  fi
}

make_master() {
  local status metadata
  if there gcloud compute instances describe "$MASTER" --zone="$ZONE"; then
    status=$(gcloud compute instances describe "$MASTER" --zone="$ZONE" --format='value(status)') ||
      fail "no answer about $MASTER"
    case $status in
      TERMINATED | STOPPED | STOPPING)
        say "start $MASTER"
        create gcloud compute instances start "$MASTER" --zone="$ZONE" || return $?
        ;;
    esac
    return
  fi
  say "create $MASTER in $ZONE"
  metadata=mrlua-role=master,mrlua-secret=$SECRET,mrlua-workers=$WORKERS
  metadata+=,mrlua-max-idle=$MAX_IDLE,mrlua-max-run=$((MAX_HOURS * 3600))
  create gcloud compute instances create "$MASTER" --zone="$ZONE" \
    --machine-type="$MASTER_MACHINE" --image-family="$IMAGE_FAMILY" --image-project="$PROJECT" \
    --subnet="$SUBNET" --no-address --service-account="$MASTER_ACCOUNT" --scopes=cloud-platform \
    --disk="name=$JOURNAL,device-name=mrlua-journal,auto-delete=no" \
    --max-run-duration="${MAX_HOURS}h" --instance-termination-action=DELETE \
    --shielded-secure-boot --labels="mrlua=$NAME" --metadata="$metadata" || return $?
  MASTER_IS_NEW=1
}

# Tasks that one worker is to have: some for each slot, or a machine comes when its work is done. A
# type ends in its processors.
machine_tasks() {
  local processors=${MACHINE##*-}
  if [[ ! $processors =~ ^[0-9]+$ ]]; then
    processors=1
  fi
  printf '%s' $((processors * TASKS_PER_SLOT))
}

# A group that is there gets the template of today, one machine after the other.
make_group() {
  if there gcloud compute instance-groups managed describe "$WORKERS" --zone="$ZONE"; then
    local now
    now=$(gcloud compute instance-groups managed describe "$WORKERS" --zone="$ZONE" \
      --format='value(instanceTemplate.basename())') || fail "no answer about $WORKERS"
    if [ "$now" != "$TEMPLATE" ]; then
      say "replace the machines of $WORKERS by $TEMPLATE"
      must_create gcloud compute instance-groups managed rolling-action start-update "$WORKERS" \
        --zone="$ZONE" --version="template=$TEMPLATE" --max-surge=1 --max-unavailable=1
    fi
  else
    say "create $WORKERS in $ZONE: $WORKER_COUNT times $MACHINE"
    create gcloud compute instance-groups managed create "$WORKERS" --zone="$ZONE" \
      --base-instance-name="$NAME-worker" --template="$TEMPLATE" --size="$WORKER_COUNT" \
      --health-check="$HEALTH" --initial-delay=300 || return $?
    GROUP_IS_NEW=1
  fi
  if [ -n "$AUTOSCALE" ]; then
    must_create gcloud compute instance-groups managed set-autoscaling "$WORKERS" --zone="$ZONE" \
      --min-num-replicas="$WORKER_COUNT" --max-num-replicas="$AUTOSCALE" --mode=only-scale-out \
      --update-stackdriver-metric=custom.googleapis.com/mrlua/tasks_open \
      --stackdriver-metric-filter='resource.type = "global"' \
      --stackdriver-metric-single-instance-assignment="$(machine_tasks)"
  fi
}

running_count() {
  gcloud compute instance-groups managed list-instances "$WORKERS" --zone="$ZONE" \
    --format='value(instanceStatus)' | grep -c '^RUNNING$' || true
}

# A group is made at once, its machines are not: they may never come, and only its errors say so.
# One worker is enough to finish any job, so some are better than none.
await_group() {
  local running errors deadline=$((SECONDS + START_SECONDS))
  [ -z "$DRY_RUN" ] || return 0
  while true; do
    running=$(running_count)
    if [ "$running" -ge "$WORKER_COUNT" ]; then
      return 0
    fi
    errors=$(gcloud compute instance-groups managed list-errors "$WORKERS" --zone="$ZONE" \
      --format='value(error.code,error.message)') || errors=
    printf '%s\n' "$errors" >"$ERRORS"
    if [ "$running" = 0 ] && [ -n "$GROUP_IS_NEW" ] && is_stock_out "$ERRORS"; then
      return $EX_STOCK_OUT
    elif [ $SECONDS -ge $deadline ] || grep -q QUOTA "$ERRORS"; then
      break
    fi
    sleep "$POLL_SECONDS"
  done
  if [ "$running" = 0 ]; then
    cat "$ERRORS" >&2
    fail "no worker runs: what was made is still there, 'mrlua cluster down' deletes it"
  fi
  say "only $running of $WORKER_COUNT workers run; the group goes on trying. $errors"
}

# The machines, in the zone ZONE.
place() {
  make_journal || return $?
  make_master || return $?
  make_group || return $?
  await_group || return $?
}

# Takes away what this run made in a zone that has no machines.
leave_zone() {
  if [ -n "$GROUP_IS_NEW" ]; then
    remove "$WORKERS" gcloud compute instance-groups managed delete "$WORKERS" --zone="$ZONE" ||
      fail "$WORKERS in $ZONE is in the way: delete it"
  fi
  if [ -n "$MASTER_IS_NEW" ]; then
    remove "$MASTER" gcloud compute instances delete "$MASTER" --zone="$ZONE" ||
      fail "$MASTER in $ZONE is in the way: delete it"
  fi
  if [ -n "$JOURNAL_IS_NEW" ]; then
    remove "$JOURNAL" gcloud compute disks delete "$JOURNAL" --zone="$ZONE" ||
      fail "$JOURNAL in $ZONE is in the way: delete it"
  fi
  GROUP_IS_NEW='' MASTER_IS_NEW='' JOURNAL_IS_NEW=''
}

# Where something of the cluster is, the rest has to be: the journal's disk cannot move. One that
# was never attached holds nothing, so it is in nobody's way: an interrupted `up` made it.
zone_candidates() {
  local zone attached
  CANDIDATES=${ZONES//,/ }
  [ -z "$DRY_RUN" ] || return 0
  zone=$(zone_of instances "$MASTER")
  if [ -n "$zone" ]; then
    CANDIDATES=$zone
    return
  fi
  zone=$(zone_of disks "$JOURNAL")
  [ -n "$zone" ] || return 0
  attached=$(gcloud compute disks describe "$JOURNAL" --zone="$zone" \
    --format='value(lastAttachTimestamp)') || fail "no answer about $JOURNAL"
  if [ -n "$attached" ]; then
    CANDIDATES=$zone
  else
    remove "$JOURNAL, which was never used" gcloud compute disks delete "$JOURNAL" --zone="$zone" ||
      fail "$JOURNAL in $zone is in the way: delete it"
  fi
}

place_somewhere() {
  local rc
  zone_candidates
  for ZONE in $CANDIDATES; do
    rc=0
    place || rc=$?
    if [ $rc = 0 ]; then
      return
    elif [ $rc != $EX_STOCK_OUT ]; then
      exit $rc
    fi
    say "$ZONE has no such machines now"
    leave_zone
  done
  fail "none of $CANDIDATES has such machines now: other --zones, another --machine, or later"
}

main() {
  parse "$@"
  parse_flags ${REST[@]+"${REST[@]}"}
  need_bucket
  need_project
  names
  if [ -n "$BUCKET_ONLY" ]; then
    make_bucket
    make_lifecycle
    return
  fi
  make_base
  make_firewall
  make_secret
  make_lifecycle
  make_role
  grant
  make_health_check
  make_template
  place_somewhere
  say "cluster '$NAME' is up in $ZONE. It ends by itself after $MAX_IDLE s without a job."
  say "'mrlua cluster status' tells what it costs, 'mrlua cluster down' deletes it."
}

main "$@"
