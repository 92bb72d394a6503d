#!/usr/bin/env bash
# Tells what of a cluster runs, and what it costs an hour.
#
#     mrlua cluster status [--json] [--name NAME] [--project ID] [--dry-run]
#
#   --json               one line of JSON
#
# Prices are those of gce/prices.tsv, which has a date: an estimate, not a bill.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

FIELDS='name,zone.basename(),machineType.basename(),status'
FIELDS+=',scheduling.provisioningModel,disks.len()'
LIST=(gcloud compute instances list --format "csv[no-heading]($FIELDS)")

# The dollars per hour of a machine. $1: type; $2: SPOT or not; $3: its disks, with the first that
# it starts from and, on the master, the journal's.
machine_price() {
  local kind=machine ssd=local-ssd-375 per_hour ssd_count
  if [ "$2" = SPOT ]; then
    kind=spot ssd=local-ssd-375-spot
  fi
  per_hour=$(price "$kind" "$1")
  ssd_count=$(($3 - 1))
  if [ "$4" = "$MASTER" ]; then
    ssd_count=0
  fi
  if [ -n "$per_hour" ]; then
    awk -v a="$per_hour" -v n="$ssd_count" -v b="$(price disk $ssd)" 'BEGIN { print a + n * b }'
  fi
}

# What a machine costs as it is; empty: nobody knows. $1: its state; the others: machine_price.
price_now() {
  if [ "$1" = TERMINATED ]; then
    echo 0
  else
    machine_price "${@:2}"
  fi
}

print_machines() {
  local name zone machine status model disks per_hour total=0 unknown=''
  printf '%-28s %-15s %-24s %-11s %s\n' MACHINE ZONE TYPE STATE '$/HOUR'
  while IFS=, read -r name zone machine status model disks; do
    [ -n "$name" ] || continue
    per_hour=$(price_now "$status" "$machine" "$model" "${disks:-1}" "$name")
    printf '%-28s %-15s %-24s %-11s %s\n' "$name" "$zone" "$machine${model:+ ${model,,}}" \
      "$status" "${per_hour:-?}"
    total=$(awk -v a="$total" -v b="${per_hour:-0}" 'BEGIN { print a + b }')
    [ -n "$per_hour" ] || unknown=" and what is not in prices.tsv"
  done <<<"$1"
  awk -v total="$total" -v unknown="$unknown" \
    'BEGIN { printf "machines: $%.2f an hour%s\n", total, unknown }'
}

print_disks() {
  local size per_hour
  while read -r name size; do
    [ -n "$name" ] || continue
    per_hour=$(price disk balanced-gb)
    awk -v name="$name" -v gb="$size" -v price="$per_hour" \
      'BEGIN { printf "disk %s: %d GB, $%.2f a month, also while nothing runs\n",
        name, gb, gb * price * 730 }'
  done <<<"$1"
}

# The same for a program; names and types have letters, digits and hyphens only. $1: machines;
# $2: how many workers are wanted; $3: disks.
print_json() {
  local name zone machine status model disks per_hour size comma='' gb_price
  printf '{"name":"%s","machines":[' "$NAME"
  while IFS=, read -r name zone machine status model disks; do
    [ -n "$name" ] || continue
    per_hour=$(price_now "$status" "$machine" "$model" "${disks:-1}" "$name")
    printf '%s{"name":"%s","zone":"%s","type":"%s","model":"%s","state":"%s","usd_per_hour":%s}' \
      "$comma" "$name" "$zone" "$machine" "${model,,}" "$status" "${per_hour:-null}"
    comma=,
  done <<<"$1"
  printf '],"workers_wanted":%s,"disks":[' "${2:-null}"
  comma='' gb_price=$(price disk balanced-gb)
  while read -r name size; do
    [ -n "$name" ] || continue
    awk -v comma="$comma" -v name="$name" -v gb="$size" -v price="$gb_price" \
      'BEGIN { printf "%s{\"name\":\"%s\",\"gb\":%d,\"usd_per_month\":%.2f}",
        comma, name, gb, gb * price * 730 }'
    comma=,
  done <<<"$3"
  printf ']}\n'
}

main() {
  local machines disks group is_json=''
  parse "$@"
  if [ "${REST[*]}" = --json ]; then
    is_json=1 REST=()
  fi
  [ ${#REST[@]} = 0 ] || usage_fail "unknown option '${REST[0]}'"
  need_project
  names
  if [ -n "$DRY_RUN" ]; then
    call "${LIST[@]}" --filter="labels.mrlua=$NAME"
    call gcloud compute instance-groups managed list --filter="name=$WORKERS"
    call gcloud compute disks list --filter="name=$JOURNAL"
    return
  fi
  machines=$("${LIST[@]}" --filter="labels.mrlua=$NAME") || fail "gcloud did not list the machines"
  group=$(gcloud compute instance-groups managed list --filter="name=$WORKERS" \
    --format='value(targetSize)') || fail "gcloud did not list the groups"
  disks=$(gcloud compute disks list --filter="name=$JOURNAL" --format='value(name,sizeGb)') ||
    fail "gcloud did not list the disks"
  if [ -n "$is_json" ]; then
    print_json "$machines" "$group" "$disks"
    return
  elif [ -z "$machines$group$disks" ]; then
    printf "cluster '%s' is not there; 'mrlua cluster up' makes it\n" "$NAME"
    return
  fi
  print_machines "$machines"
  printf 'group %s: %s machines wanted\n' "$WORKERS" "${group:-no}"
  print_disks "$disks"
}

main "$@"
