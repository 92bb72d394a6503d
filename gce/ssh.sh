#!/usr/bin/env bash
# Opens a shell on the master, or runs a command there.
#
#     mrlua cluster ssh [--vm NAME] [--name NAME] [--project ID] [--dry-run] [-- COMMAND...]
#
# Machines have no address in the internet: it goes through Identity-Aware Proxy, and wants the role
# "IAP-secured Tunnel User".
. "$(dirname "$(readlink -f "$0")")/lib.sh"

main() {
  local vm=''
  parse "$@"
  set -- ${REST[@]+"${REST[@]}"}
  while [ $# -gt 0 ]; do
    case $1 in
      --vm) vm=$(value_of "$@"); shift 2 ;;
      --) break ;;
      *) usage_fail "unknown option '$1'" ;;
    esac
  done
  need_project
  names
  need_zone
  ssh_command "${vm:-$MASTER}" "$@"
  call "${SSH[@]}"
}

main "$@"
