#!/usr/bin/env bash
# Tells Cloud Monitoring how many tasks there are to do, running and waiting, for the group's
# autoscaler (`up --autoscale`). mrlua-gauge.timer runs it on the master once a minute.
#
#     gauge.sh
#
# Why a call of its own: the autoscaler wants a custom metric on resource "global"; what the Ops
# Agent scrapes from /metrics has a series for each machine, on another resource. Why not tasks per
# slot: it divides a group's metric by what one machine is to do, and takes the result for the
# number of machines.
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "$(readlink -f "$0")")/cloud.sh"

METRICS=${MRLUA_METRICS:-http://127.0.0.1:7080/metrics}
SETTINGS=${MRLUA_FLEET_SETTINGS:-/etc/mrlua/fleet.env}

# The sum of two gauges, each of which is there once and without labels.
open_tasks() {
  curl -sS --fail --max-time 10 "$METRICS" | awk '
    ($1 == "mrlua_pending_tasks" || $1 == "mrlua_slots_used") && $2 ~ /^[0-9]+$/ {
      sum += $2
      count++
    }
    END { if (count == 2) print sum }'
}

series() {
  cat <<END
{"timeSeries": [{
  "metric": {"type": "custom.googleapis.com/mrlua/tasks_open"},
  "resource": {"type": "global", "labels": {"project_id": "$MRLUA_PROJECT"}},
  "points": [{"interval": {"endTime": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"},
    "value": {"int64Value": "$1"}}]
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
  value=$(open_tasks) || fail "the master tells no metrics at $METRICS"
  [ -n "$value" ] || fail "$METRICS has no mrlua_pending_tasks and mrlua_slots_used"
  series "$value" | authorized POST "$MONITORING/v3/projects/$MRLUA_PROJECT/timeSeries" \
    -H 'Content-Type: application/json' --data-binary @/dev/fd/3 3<&0 >/dev/null
}

main "$@"
