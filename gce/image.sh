#!/usr/bin/env bash
# Builds the image that all machines of a cluster start from: Debian 12 with mrlua's package.
#
#     mrlua cluster image --bucket BUCKET [--deb FILE|gs://...] [flags]
#     mrlua cluster image --roll-back
#
#   --deb FILE       the package (default: build/mrlua_*.deb beside this tree); a file goes through
#                    the bucket, where the machine that builds can read it
#   --roll-back      takes the newest image out of use: the one before it is taken from now on
#   --zones A,...    where the machine that builds runs
#   --name NAME      of the cluster (default mrlua); --project ID; --dry-run
#
# A machine is started, installs the package, says so on its serial port, is stopped and becomes an
# image of the family. An image is named by what it was made of, so the same is not built twice.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$(dirname "$(readlink -f "$0")")/project.sh"

DEB='' ROLL_BACK=''
BUILD_SECONDS=${MRLUA_GCE_BUILD_SECONDS:-1200}
SCRIPT=$(dirname "$(readlink -f "$0")")/boot/image-build.sh

parse_flags() {
  while [ $# -gt 0 ]; do
    case $1 in
      --deb) DEB=$(value_of "$@"); shift ;;
      --roll-back) ROLL_BACK=1 ;;
      *) usage_fail "unknown option '$1'" ;;
    esac
    shift
  done
}

default_deb() {
  local found
  found=$(find "$(dirname "$(readlink -f "$0")")/../build" -maxdepth 1 -name 'mrlua_*.deb' \
    2>/dev/null | sort | tail -n 1)
  [ -n "$found" ] || usage_fail "which package? 'cmake --build build --target package' makes one"
  printf '%s' "$found"
}

# Sets HASH, of what the image is made of, and OBJECT, where the machine finds the package.
find_deb() {
  if [ -n "$DRY_RUN" ]; then
    DEB=${DEB:-mrlua.deb} HASH=HASH OBJECT=gs://$BUCKET/mrlua-image/mrlua_HASH.deb
    return
  fi
  if [[ $DEB == gs://* ]]; then
    OBJECT=$DEB
    HASH=$(gcloud storage objects describe "$DEB" --format='value(crc32c_hash,size,generation)') ||
      fail "there is no $DEB"
    HASH=$(printf '%s' "$HASH" | cat - "$SCRIPT" | sha256sum | cut -c 1-12)
    return
  fi
  DEB=${DEB:-$(default_deb)}
  [ -r "$DEB" ] || fail "there is no package $DEB"
  HASH=$(cat -- "$DEB" "$SCRIPT" | sha256sum | cut -c 1-12)
  OBJECT=gs://$BUCKET/mrlua-image/mrlua_$HASH.deb
}

upload_deb() {
  if [[ $DEB != gs://* ]]; then
    say "upload $DEB"
    must_create gcloud storage cp "$DEB" "$OBJECT"
  fi
}

start_builder() {
  create gcloud compute instances create "$BUILDER" --zone="$ZONE" --machine-type=e2-standard-2 \
    --image-family=debian-12 --image-project=debian-cloud --subnet="$SUBNET" \
    --service-account="$WORKER_ACCOUNT" --scopes=cloud-platform --boot-disk-size=10GB \
    --max-run-duration=1h --instance-termination-action=DELETE --shielded-secure-boot \
    --labels="mrlua=$NAME" --metadata="mrlua-deb=$OBJECT,mrlua-token=$HASH" \
    --metadata-from-file="startup-script=$SCRIPT" || return $?
}

# One that an interrupted run left may be half through with something else.
remove_builder() {
  local zone
  if [ -n "$DRY_RUN" ]; then
    return
  fi
  zone=$(zone_of instances "$BUILDER")
  if [ -n "$zone" ]; then
    remove "$BUILDER" gcloud compute instances delete "$BUILDER" --zone="$zone" --quiet ||
      fail "$BUILDER is in the way: delete it"
  fi
}

start_somewhere() {
  local rc
  for ZONE in ${ZONES//,/ }; do
    rc=0
    say "start $BUILDER in $ZONE"
    start_builder || rc=$?
    if [ $rc != $EX_STOCK_OUT ]; then
      return $rc
    fi
    say "$ZONE has no such machines now"
  done
  fail "none of $ZONES has an e2-standard-2 now: other --zones, or later"
}

await_build() {
  local said deadline=$((SECONDS + BUILD_SECONDS))
  if [ -n "$DRY_RUN" ]; then
    call gcloud compute instances get-serial-port-output "$BUILDER" --zone="$ZONE"
    return
  fi
  while [ $SECONDS -lt $deadline ]; do
    said=$(gcloud compute instances get-serial-port-output "$BUILDER" --zone="$ZONE" 2>/dev/null) ||
      said=
    case $said in
      *"mrlua-image: done $HASH"*) return ;;
      *"mrlua-image: failed $HASH"*)
        printf '%s\n' "$said" | tail -n 30 >&2
        fail "$BUILDER could not install the package; it is deleted after an hour"
        ;;
    esac
    sleep "$POLL_SECONDS"
  done
  fail "$BUILDER did not get ready in $BUILD_SECONDS s: gcloud compute instances" \
    "get-serial-port-output $BUILDER --zone=$ZONE"
}

# An image of a running machine could be half written.
make_image() {
  must_create gcloud compute instances stop "$BUILDER" --zone="$ZONE"
  must_create gcloud compute images create "$IMAGE" --source-disk="$BUILDER" \
    --source-disk-zone="$ZONE" --family="$IMAGE_FAMILY" --labels="mrlua=$NAME"
  remove "$BUILDER" gcloud compute instances delete "$BUILDER" --zone="$ZONE" --quiet ||
    fail "$BUILDER is in the way: delete it"
}

build() {
  find_deb
  IMAGE=$IMAGE_FAMILY-$HASH BUILDER=$NAME-image-builder
  if there gcloud compute images describe "$IMAGE"; then
    say "$IMAGE is there already"
    must_create gcloud compute images deprecate "$IMAGE" --state=ACTIVE
    return
  fi
  make_base
  grant_bucket "$WORKER_ACCOUNT"
  upload_deb
  remove_builder
  start_somewhere
  await_build
  make_image
  say "image $IMAGE is the newest of family $IMAGE_FAMILY; 'mrlua cluster up' takes it"
}

roll_back() {
  local newest=$IMAGE_FAMILY-HASH left
  if [ -z "$DRY_RUN" ]; then
    newest=$(gcloud compute images describe-from-family "$IMAGE_FAMILY" --format='value(name)') ||
      fail "family $IMAGE_FAMILY has no image in use"
  fi
  must_create gcloud compute images deprecate "$newest" --state=DEPRECATED
  [ -z "$DRY_RUN" ] || return 0
  left=$(gcloud compute images describe-from-family "$IMAGE_FAMILY" --format='value(name)' \
    2>/dev/null) || left=none
  say "$newest is out of use; the next machines start from: $left"
}

main() {
  parse "$@"
  parse_flags ${REST[@]+"${REST[@]}"}
  need_project
  if [ -n "$ROLL_BACK" ]; then
    names
    roll_back
  else
    need_bucket
    names
    build
  fi
}

main "$@"
