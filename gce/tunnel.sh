#!/usr/bin/env bash
# A way for this machine's mrlua to the master: a port that ssh forwards, and the key of the role
# submit. `mrlua cluster run` uses it; by hand:
#
#     mrlua cluster tunnel open DIR      prints 127.0.0.1:PORT; the key is in DIR/key (0600)
#     mrlua submit ... --master 127.0.0.1:PORT --key-file DIR/key
#     mrlua cluster tunnel close DIR
#
# Flags: --name NAME, --project ID, --dry-run.
#
# Why not submit on the master, by ssh: the job's modules and side files are here, and so is who
# watches the bars. The secret of the cluster does not come here, only the key of a role.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

FIRST_PORT=17070 PORT_COUNT=20

# ssh stays in the background until `close`, or until the master is gone.
open_tunnel() {
  local folder=$1 port
  for ((port = FIRST_PORT; port < FIRST_PORT + PORT_COUNT; port++)); do
    ssh_command "$MASTER" -- -f -N -M -S "$folder/control" -o ExitOnForwardFailure=yes \
      -o ServerAliveInterval=15 -L "127.0.0.1:$port:127.0.0.1:7070"
    if [ -n "$DRY_RUN" ]; then
      call "${SSH[@]}"
      return
    elif "${SSH[@]}" >/dev/null 2>"$ERRORS"; then
      PORT=$port
      return
    elif ! grep -qi 'address already in use\|cannot listen to port' "$ERRORS"; then
      break
    fi
  done
  cat "$ERRORS" >&2
  fail "no way to $MASTER: is it up, and have you the role 'IAP-secured Tunnel User'?"
}

# Through the connection that is open.
fetch_key() {
  local folder=$1
  local command=(ssh -S "$folder/control" "$MASTER"
    "sudo -u mrlua mrlua key --role submit --key-file /run/mrlua/secret")
  if [ -n "$DRY_RUN" ]; then
    printf '%s >%s\n' "$(quoted "${command[@]}")" "$(quoted "$folder/key")"
    return
  fi
  (umask 077 && "${command[@]}" >"$folder/key" 2>"$ERRORS") ||
    { cat "$ERRORS" >&2; fail "$MASTER gives no key: 'mrlua cluster logs' says how far it is"; }
}

main() {
  local folder
  parse "$@"
  [ ${#REST[@]} = 2 ] || usage_fail "mrlua cluster tunnel open DIR, or close DIR"
  folder=${REST[1]}
  need_project
  names
  case ${REST[0]} in
    open)
      need_zone
      [ -n "$DRY_RUN" ] || (umask 077 && mkdir -p -- "$folder")
      open_tunnel "$folder"
      fetch_key "$folder"
      [ -n "$DRY_RUN" ] || printf '127.0.0.1:%s\n' "$PORT"
      ;;
    close)
      call ssh -S "$folder/control" -O exit "$MASTER" 2>/dev/null || true
      call rm -f -- "$folder/key"
      ;;
    *) usage_fail "mrlua cluster tunnel open DIR, or close DIR" ;;
  esac
}

main "$@"
