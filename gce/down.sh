#!/usr/bin/env bash
# Deletes a cluster, all of it, and lists what is left.
#
#     mrlua cluster down [flags]
#
#   --keep-journal     keep the master's disk with its journal: `up` finds it again
#   --images           delete the images, too
#   --machines-only    delete only what costs by the hour: machines, disk
#   --bucket NAME      take the cluster's rights on it away; what is in it stays
#   --name NAME        of the cluster (default mrlua); --project ID; --dry-run
#
# It can be run again at any time. Exit code 1 when something could not be deleted.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

KEEP_JOURNAL='' IMAGES='' MACHINES_ONLY=''

parse_flags() {
  local flag
  for flag; do
    case $flag in
      --keep-journal) KEEP_JOURNAL=1 ;;
      --images) IMAGES=1 ;;
      --machines-only) MACHINES_ONLY=1 ;;
      *) usage_fail "unknown option '$flag'" ;;
    esac
  done
}

# name TAB zone of everything of a kind that is the cluster's. $1: kind; $2: filter.
listed() {
  # shellcheck disable=SC2086 # a kind is one or two words
  gcloud compute $1 list --filter="$2" --format='value(name,zone.basename())'
}

# Deletes a zonal kind of thing in whatever zones it is: an interrupted `up` may have left some in
# two. $1: kind; $2: name.
remove_zonal() {
  local kind=$1 name=$2 found zone
  if [ -n "$DRY_RUN" ]; then
    # shellcheck disable=SC2086
    call gcloud compute $kind delete "$name" --zone="${ZONES%%,*}" --quiet
    return
  fi
  found=$(listed "$kind" "name=$name") || fail "no answer about $name"
  while read -r name zone; do
    if [ -n "$name" ]; then
      # shellcheck disable=SC2086
      remove "$name ($zone)" gcloud compute $kind delete "$name" --zone="$zone" --quiet || true
    fi
  done <<<"$found"
}

remove_machines() {
  remove_zonal "instance-groups managed" "$WORKERS"
  remove_zonal instances "$MASTER"
  remove_zonal instances "$NAME-image-builder"
  if [ -z "$KEEP_JOURNAL" ]; then
    remove_zonal disks "$JOURNAL"
  fi
}

remove_templates() {
  local found name
  if [ -n "$DRY_RUN" ]; then
    call gcloud compute instance-templates delete "$NAME-worker-HASH" --quiet
    return
  fi
  found=$(gcloud compute instance-templates list --filter="name~^$NAME-worker-[0-9a-f]{8}\$" \
    --format='value(name)') || fail "no answer about the templates"
  for name in $found; do
    remove "$name" gcloud compute instance-templates delete "$name" --quiet || true
  done
}

remove_network() {
  local rule
  remove "$HEALTH" gcloud compute health-checks delete "$HEALTH" --quiet || true
  for rule in cluster iap-ssh health; do
    remove "$NAME-$rule" gcloud compute firewall-rules delete "$NAME-$rule" --quiet || true
  done
  remove "$SUBNET" gcloud compute networks subnets delete "$SUBNET" --region="$REGION" --quiet ||
    true
  remove "$NETWORK" gcloud compute networks delete "$NETWORK" --quiet || true
}

# Takes a right away; that it was never given is fine. Its own message says so in other words.
ungrant() {
  if [ -n "$DRY_RUN" ]; then
    call "$@"
  elif ! "$@" >/dev/null 2>"$ERRORS" && ! is_absent && ! grep -qi 'binding' "$ERRORS"; then
    cat "$ERRORS" >&2
    KEPT+=("a right: $(quoted "$@")")
  fi
}

# An account that is deleted leaves its rights behind as a name with "deleted:" in front.
remove_rights() {
  local who role
  for who in "$MASTER_ACCOUNT" "$WORKER_ACCOUNT"; do
    if [ -n "$BUCKET" ]; then
      ungrant gcloud storage buckets remove-iam-policy-binding "gs://$BUCKET" \
        --member="serviceAccount:$who" --role=roles/storage.objectUser
    fi
    for role in logging.logWriter monitoring.metricWriter; do
      ungrant gcloud projects remove-iam-policy-binding "$PROJECT" \
        --member="serviceAccount:$who" --role="roles/$role" --condition=None
    done
  done
  ungrant gcloud projects remove-iam-policy-binding "$PROJECT" \
    --member="serviceAccount:$MASTER_ACCOUNT" --role="projects/$PROJECT/roles/$ROLE" --all
}

# A role that is deleted is still described, for some weeks.
remove_role() {
  local is_deleted=''
  if [ -z "$DRY_RUN" ]; then
    is_deleted=$(gcloud iam roles describe "$ROLE" --project="$PROJECT" --format='value(deleted)' \
      2>/dev/null) || is_deleted=''
  fi
  if [ "$is_deleted" != True ]; then
    remove "role $ROLE" gcloud iam roles delete "$ROLE" --project="$PROJECT" --quiet || true
  fi
}

remove_accounts() {
  local who
  remove "$SECRET" gcloud secrets delete "$SECRET" --quiet || true
  remove_role
  for who in "$MASTER_ACCOUNT" "$WORKER_ACCOUNT"; do
    remove "$who" gcloud iam service-accounts delete "$who" --quiet || true
  done
}

image_names() {
  gcloud compute images list --no-standard-images --show-deprecated \
    --filter="family=$IMAGE_FAMILY" --format='value(name)'
}

remove_images() {
  local found name
  if [ -n "$DRY_RUN" ]; then
    call gcloud compute images delete "$IMAGE_FAMILY-DATE" --quiet
    return
  fi
  found=$(image_names) || fail "no answer about the images"
  for name in $found; do
    remove "$name" gcloud compute images delete "$name" --quiet || true
  done
}

# What is left and costs: looked up, not remembered.
list_left() {
  local left
  [ -z "$DRY_RUN" ] || return 0
  left=$(
    listed instances "labels.mrlua=$NAME" | sed 's/^/instance /' &&
      listed disks "labels.mrlua=$NAME" | sed 's/^/disk /' &&
      image_names | sed 's/^/image /'
  ) || fail "what is left? gcloud did not answer"
  printf 'left in project %s:\n' "$PROJECT"
  printf '%s\n' "${left:-nothing of cluster $NAME}" | sed 's/^/  /'
  if [ -n "$BUCKET" ]; then
    printf '  bucket gs://%s with what is in it\n' "$BUCKET"
  fi
}

main() {
  local kept
  parse "$@"
  parse_flags ${REST[@]+"${REST[@]}"}
  need_project
  names
  remove_machines
  if [ -z "$MACHINES_ONLY" ]; then
    remove_templates
    remove_network
    remove_rights
    remove_accounts
  fi
  if [ -n "$IMAGES" ]; then
    remove_images
  fi
  list_left
  for kept in ${KEPT[@]+"${KEPT[@]}"}; do
    printf 'mrlua: could not be deleted: %s\n' "$kept" >&2
  done
  [ ${#KEPT[@]} = 0 ] || exit 1
}

main "$@"
