#!/usr/bin/env bash
# Ends the fleet when nobody uses it. mrlua-idle.timer runs it on the master once a minute; the
# master's unit of the same name runs `idle.sh shutdown` when the machine goes down for good.
#
#     idle.sh             deletes the group of workers and stops this machine, if it is time
#     idle.sh shutdown    deletes the group, unless this is a reboot
#
# It is time when no job has run for MRLUA_MAX_IDLE seconds, or ten minutes before this machine has
# run for MRLUA_MAX_RUN and is deleted: nobody else would delete the workers' group then. A master
# that does not answer has no job: whoever forgot a broken fleet pays no more for it.
#
# /etc/mrlua/fleet.env, which boot.sh writes, says what the group and this machine are called.
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "$(readlink -f "$0")")/cloud.sh"

STAMP=/run/mrlua/busy     # its time: when a job was last seen; the first look counts as one
END_MARGIN=600            # seconds before the end of this machine
SETTINGS=${MRLUA_FLEET_SETTINGS:-/etc/mrlua/fleet.env}
MRLUA=${MRLUA:-mrlua}

zone_address() {
  printf '%s/compute/v1/projects/%s/zones/%s' "$COMPUTE" "$MRLUA_PROJECT" "$MRLUA_ZONE"
}

# A group that is gone already is what we want.
delete_group() {
  local answer
  answer=$(authorized DELETE "$(zone_address)/instanceGroupManagers/$MRLUA_WORKERS" 2>&1) ||
    [[ $answer == *404* ]] || fail "the group $MRLUA_WORKERS was not deleted: $answer"
  printf 'mrlua: deleted the group %s\n' "$MRLUA_WORKERS"
}

stop_machine() {
  authorized POST "$(zone_address)/instances/$MRLUA_INSTANCE/stop" -H 'Content-Length: 0' >/dev/null
  printf 'mrlua: stopping %s\n' "$MRLUA_INSTANCE"
}

has_job() {
  local jobs
  jobs=$("$MRLUA" jobs --json --master "127.0.0.1:${MRLUA_PORT:-7070}" \
    --key-file "$MRLUA_KEY_FILE") || return 1
  [[ $jobs == *'"state":"running"'* ]]
}

now() {
  date +%s
}

up_seconds() {
  cut -d . -f 1 "${MRLUA_UPTIME:-/proc/uptime}"
}

# Says why it is time to end, or nothing.
reason() {
  local idle
  if [ "$(up_seconds)" -ge $((MRLUA_MAX_RUN - END_MARGIN)) ]; then
    printf 'this machine has run for its %s s' "$MRLUA_MAX_RUN"
    return
  fi
  if has_job || [ ! -e "$STAMP" ]; then
    touch "$STAMP"
    return
  fi
  idle=$(($(now) - $(stat --format=%Y "$STAMP")))
  if [ "$idle" -ge "$MRLUA_MAX_IDLE" ]; then
    printf 'no job for %s s' "$idle"
  fi
}

is_reboot() {
  systemctl list-jobs 2>/dev/null | grep -qE 'reboot\.target|kexec\.target'
}

main() {
  local why
  if [ ! -e "$SETTINGS" ]; then
    return # no machine of a fleet
  fi
  # shellcheck disable=SC1090 # boot.sh writes it
  . "$SETTINGS"
  MRLUA_KEY_FILE=${MRLUA_KEY_FILE:-/run/mrlua/secret}
  STAMP=${MRLUA_STAMP:-$STAMP}
  if [ "${1:-}" = shutdown ]; then
    is_reboot || delete_group
    return
  fi
  why=$(reason)
  if [ -n "$why" ]; then
    printf 'mrlua: the fleet ends: %s\n' "$why"
    delete_group
    stop_machine
  fi
}

main "$@"
