#!/bin/sh
# The first process of a pretended machine: it has namespaces of its own (mounts, network, names,
# processes), and everything of the machine ends with it.
#
#     unshare --mount --net --uts --pid --fork --kill-child host.sh LOWER FOLDER NAME SHARED
#
# LOWER: the file system that all machines start from; it is not changed. FOLDER: of this machine;
# its root appears in FOLDER/root, and FOLDER/ready when it is there. SHARED appears in /srv.
set -eu
lower=$1 folder=$2 name=$3 shared=$4

mount --make-rprivate /
mkdir -p "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay \
  -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
mount -t proc proc "$folder/root/proc"
mount -t tmpfs -o mode=755 run "$folder/root/run"
mount --rbind /dev "$folder/root/dev"
mkdir -p "$folder/root/srv"
mount --bind "$shared" "$folder/root/srv"
hostname "$name"
ip link set lo up
: >"$folder/ready"
exec tail -f /dev/null
