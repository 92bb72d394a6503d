#!/usr/bin/env bash
# Prints the log of the master, or of a worker.
#
#     mrlua cluster logs [--vm NAME] [--follow] [--lines N] [--name NAME] [--project ID] [--dry-run]
#
# It reads the file on the machine. What machines that are gone have said is in Cloud Logging:
#     gcloud logging read 'labels."compute.googleapis.com/resource_name":mrlua-worker'
. "$(dirname "$(readlink -f "$0")")/lib.sh"

main() {
  local vm='' lines=200 follow='' role
  parse "$@"
  set -- ${REST[@]+"${REST[@]}"}
  while [ $# -gt 0 ]; do
    case $1 in
      --vm) vm=$(value_of "$@"); shift 2 ;;
      --lines) lines=$(whole_number "$1" "$(value_of "$@")" 1 1000000); shift 2 ;;
      --follow) follow=' -F'; shift ;;
      *) usage_fail "unknown option '$1'" ;;
    esac
  done
  need_project
  names
  need_zone
  vm=${vm:-$MASTER}
  role=worker
  if [ "$vm" = "$MASTER" ]; then
    role=master
  fi
  ssh_command "$vm" --command="sudo tail --lines=$lines$follow /var/log/mrlua/$role.jsonl"
  call "${SSH[@]}"
}

main "$@"
