#!/usr/bin/env bash
# Gives the group of workers another size.
#
#     mrlua cluster resize N [--name NAME] [--project ID] [--dry-run]
#
# When it gets smaller, workers that do nothing and hold nothing go first: the master is asked which
# those are. A group that shrinks by itself takes any.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

current_size() {
  gcloud compute instance-groups managed describe "$WORKERS" --zone="$ZONE" \
    --format='value(targetSize)'
}

# The workers, the idlest first: as the master's table has them, a name per line. A worker's name is
# its machine's. Columns: WORKER NAME STATE SLOTS DISK FREE OUTPUTS.
idle_first() {
  local table
  ssh_command "$MASTER" --command="sudo -u mrlua mrlua workers --key-file /run/mrlua/secret"
  table=$("${SSH[@]}") || fail "the master does not tell which workers are idle"
  awk 'NR > 1 && $3 == "ready" { split($4, slots, "/"); print slots[1], $NF, $2 }' <<<"$table" |
    sort -n -k 1,1 -k 2,2 | awk '{ print $3 }'
}

shrink() {
  local count=$1 victims=() name
  while read -r name; do
    if [ ${#victims[@]} -lt "$count" ] && [[ $name == "$NAME-worker-"* ]]; then
      victims+=("${name%%.*}")
    fi
  done < <(idle_first)
  if [ ${#victims[@]} = "$count" ]; then
    say "delete ${victims[*]}"
    must_create gcloud compute instance-groups managed delete-instances "$WORKERS" \
      --zone="$ZONE" --instances="$(IFS=,; printf '%s' "${victims[*]}")"
  else
    say "the master does not know $count workers: the group picks them"
    must_create gcloud compute instance-groups managed resize "$WORKERS" --zone="$ZONE" \
      --size="$((CURRENT - count))"
  fi
}

main() {
  local wanted
  parse "$@"
  [ ${#REST[@]} = 1 ] || usage_fail "which size? mrlua cluster resize N"
  wanted=$(whole_number size "${REST[0]}" 0 1000)
  need_project
  names
  need_zone
  if [ -n "$DRY_RUN" ]; then
    call gcloud compute instance-groups managed resize "$WORKERS" --zone="$ZONE" --size="$wanted"
    return
  fi
  CURRENT=$(current_size) || fail "there is no group $WORKERS: 'mrlua cluster up' makes it"
  if [ "$wanted" = "$CURRENT" ]; then
    say "$WORKERS has $CURRENT machines already"
  elif [ "$wanted" -lt "$CURRENT" ]; then
    shrink $((CURRENT - wanted))
  else
    must_create gcloud compute instance-groups managed resize "$WORKERS" --zone="$ZONE" \
      --size="$wanted"
  fi
}

main "$@"
