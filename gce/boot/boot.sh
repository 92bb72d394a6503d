#!/usr/bin/env bash
# What a machine of a cluster does when it starts, before mrlua does (mrlua-boot.service; as root,
# on every boot): it learns from its metadata what it is, brings the secret from Secret Manager into
# memory, mounts its disk, and writes what the units of master and worker read.
#
#     boot.sh
#
# Each machine has these attributes: mrlua-role (master or worker), mrlua-secret (a name in Secret
# Manager). A worker has mrlua-master (the name of a machine in the same zone) and may have
# mrlua-slots; a master has mrlua-workers (its group), mrlua-max-idle and mrlua-max-run (seconds).
#
# The secret is never on a disk: /run is memory, and the file there is of user mrlua only.
set -euo pipefail
shopt -s inherit_errexit
. "$(dirname "$(readlink -f "$0")")/cloud.sh"

DISKS=${MRLUA_DISKS:-/dev/disk/by-id}
KEY_FILE=/run/mrlua/secret
STATE=/var/lib/mrlua

# The file system of the folder $1 forgets everything when the machine stops.
is_memory() {
  [ "$(stat --file-system --format=%T "$1")" = tmpfs ]
}

fetch_secret() {
  local project name data
  project=$(metadata project/project-id)
  name=$(attribute mrlua-secret)
  is_memory /run || fail "/run is no tmpfs: the secret would be written to a disk"
  install -d -m 0700 -o mrlua -g mrlua /run/mrlua
  data=$(authorized GET \
    "$SECRETS/v1/projects/$project/secrets/$name/versions/latest:access" | json_string data)
  [ -n "$data" ] || fail "secret $name has no data"
  (umask 077 && printf '%s' "$data" | base64 --decode >$KEY_FILE.new)
  chown mrlua:mrlua $KEY_FILE.new
  mv $KEY_FILE.new $KEY_FILE
}

# Makes a file system on a disk that has none, and mounts it. $1: disk; $2: folder; $3: options.
mount_disk() {
  local rc=0
  if ! mountpoint -q "$2"; then
    blkid -p "$1" >/dev/null || rc=$?
    case $rc in
      0) fsck -p "$1" || [ $? = 1 ] || fail "the file system of $1 is broken" ;;
      2) mkfs.ext4 -q -m 0 "$1" ;;
      *) fail "what is on $1?" ;;
    esac
    mkdir -p "$2"
    mount -o "$3" "$1" "$2"
  fi
  chown mrlua:mrlua "$2"
  chmod 0750 "$2"
}

# The local SSDs as one disk, if the machine has any. They are empty after every stop.
local_disk() {
  local found=()
  mapfile -t found < <(find "$DISKS" -name 'google-local-nvme-ssd-*' ! -name '*-part*' | sort)
  if [ ${#found[@]} = 0 ]; then
    return
  elif [ ${#found[@]} = 1 ]; then
    printf '%s' "${found[0]}"
  else
    [ -e /dev/md0 ] || mdadm --create /dev/md0 --quiet --run --level=0 \
      --raid-devices=${#found[@]} "${found[@]}" >&2
    printf /dev/md0
  fi
}

# A file that the units read, whole or not at all. $1: name; the text is on standard input.
write_settings() {
  install -d -m 0755 /etc/mrlua
  cat >"/etc/mrlua/$1.new"
  mv "/etc/mrlua/$1.new" "/etc/mrlua/$1"
}

folder() {
  install -d -m 0750 -o mrlua -g mrlua "$1"
}

start_worker() {
  local disk host master slots
  disk=$(local_disk)
  folder $STATE/worker
  if [ -n "$disk" ]; then
    mount_disk "$disk" $STATE/worker noatime,discard,nobarrier
  fi
  # NAME.ZONE.c.PROJECT.internal: the master is in the same zone.
  host=$(metadata instance/hostname)
  master=$(attribute mrlua-master)
  slots=$(attribute mrlua-slots 2>/dev/null) || slots=
  write_settings worker.env <<END
MRLUA_MASTER=$master.${host#*.}:7070
MRLUA_LISTEN=0.0.0.0:7071
MRLUA_DIR=$STATE/worker/data
MRLUA_KEY_FILE=$KEY_FILE
MRLUA_FLAGS=--preemption gce${slots:+ --slots $slots}
MRLUA_LOG=json
END
  folder $STATE/worker/data
}

# Every answer is had before any of it is written: a command inside the text could fail unseen.
start_master() {
  local project zone name workers max_idle max_run journal=$DISKS/google-mrlua-journal
  project=$(metadata project/project-id)
  zone=$(metadata instance/zone)
  name=$(metadata instance/name)
  workers=$(attribute mrlua-workers)
  max_idle=$(attribute mrlua-max-idle)
  max_run=$(attribute mrlua-max-run)
  folder $STATE/master
  [ -e "$journal" ] || fail "there is no disk $journal for the journal"
  mount_disk "$journal" $STATE/master noatime
  write_settings fleet.env <<END
MRLUA_PROJECT=$project
MRLUA_ZONE=${zone##*/}
MRLUA_INSTANCE=$name
MRLUA_WORKERS=$workers
MRLUA_MAX_IDLE=$max_idle
MRLUA_MAX_RUN=$max_run
END
  folder $STATE/master/state
  write_settings master.env <<END
MRLUA_LISTEN=0.0.0.0:7070
MRLUA_STATE=$STATE/master/state
MRLUA_KEY_FILE=$KEY_FILE
MRLUA_FLAGS=
MRLUA_LOG=json
END
}

main() {
  local role
  role=$(attribute mrlua-role)
  rm -f /etc/mrlua/master.env /etc/mrlua/worker.env /etc/mrlua/fleet.env
  fetch_secret
  install -d -m 0755 -o mrlua -g mrlua /var/log/mrlua
  case $role in
    worker) start_worker ;;
    master) start_master ;;
    *) fail "mrlua-role is '$role': it is master or worker" ;;
  esac
}

main "$@"
