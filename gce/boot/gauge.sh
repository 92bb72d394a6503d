#!/usr/bin/env bash
# Tells Cloud Monitoring how many tasks wait per slot, for the group's autoscaler (`up
# --autoscale`). mrlua-gauge.timer runs it on the master once a minute.
#
#     gauge.sh
#
# Why a call of its own: the autoscaler wants a custom metric on resource "global"; what the Ops
# Agent scrapes from /metrics has a series for each machine, on another resource.
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "$(readlink -f "$0")")/cloud.sh"

METRICS=${MRLUA_METRICS:-http://127.0.0.1:7080/metrics}
SETTINGS=${MRLUA_FLEET_SETTINGS:-/etc/mrlua/fleet.env}

# The value of the gauge, which is there once and without labels.
pending_per_slot() {
  curl -sS --fail --max-time 10 "$METRICS" |
    awk '$1 == "mrlua_pending_tasks_per_slot" && $2 ~ /^[0-9.e+-]+$/ { print $2 }'
}

series() {
  cat <<END
{"timeSeries": [{
  "metric": {"type": "custom.googleapis.com/mrlua/tasks_pending_per_slot"},
  "resource": {"type": "global", "labels": {"project_id": "$MRLUA_PROJECT"}},
  "points": [{"interval": {"endTime": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"},
    "value": {"doubleValue": $1}}]
}]}
END
}

main() {
  local value
  if [ ! -e "$SETTINGS" ]; then
    return # no machine of a fleet
  fi
  # shellcheck disable=SC1090 # boot.sh writes it
  . "$SETTINGS"
  value=$(pending_per_slot) || fail "the master tells no metrics at $METRICS"
  [ -n "$value" ] || fail "$METRICS has no mrlua_pending_tasks_per_slot"
  series "$value" | authorized POST "$MONITORING/v3/projects/$MRLUA_PROJECT/timeSeries" \
    -H 'Content-Type: application/json' --data-binary @/dev/fd/3 3<&0 >/dev/null
}

main "$@"
