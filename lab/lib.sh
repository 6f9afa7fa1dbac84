# shellcheck shell=bash
# What start.sh and stop.sh share. To be sourced. Expects LAB, LAB_HOST and LAB_BRIDGE in the environment.

state=/var/lib/kvm-migration-testbed
lab_dir=$state/$LAB
host_dir=$lab_dir/$LAB_HOST
root=$host_dir/root
project=$PWD
unit=testbed-$LAB-$LAB_HOST

die() {
  echo "lab $LAB, host $LAB_HOST: $*" >&2
  exit 1
}

# The processes of the container, found by what cannot lie: the file system that is their root. This holds when
# nothing was written down, when the supervisor is gone, and for a QEMU that outlived its libvirtd.
host_pids() {
  # The fourth and fifth field are the mount's root and its mount point. grep passes over processes that have gone.
  grep -ls " / / .*upperdir=$host_dir/upper," /proc/[0-9]*/mountinfo | cut -d / -f 3 || true
}

# The systemd-nspawn processes that hold the container, or are about to.
supervisor_pids() {
  # Written in one word with -e, grep does not find itself.
  grep -lsxz -e"--machine=$unit" /proc/[0-9]*/cmdline | cut -d / -f 3 || true
}

# Process 1 of the container, or nothing.
host_init() {
  local pid
  for pid in $(host_pids); do
    if grep -qs '^NSpid:.*[[:space:]]1$' "/proc/$pid/status"; then
      echo "$pid"
      return
    fi
  done
}

# The nspawn process that holds the container whose process 1 is $1, or nothing.
host_supervisor() {
  local pid
  pid=$(awk '/^PPid:/ { print $2 }' "/proc/$1/status" 2>/dev/null || true)
  [ "$(cat "/proc/${pid:-0}/comm" 2>/dev/null)" != systemd-nspawn ] || echo "$pid"
}

# When a process started, in clock ticks after boot: with it, a process id names one process alone.
start_time() {
  # The second field, a name in brackets, may hold blanks.
  sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 20
}

# The control group hierarchies in which a container's systemd keeps its services: version 2's, and version 1's own.
cgroup_hierarchies() {
  awk '$3 == "cgroup2" || ($3 == "cgroup" && $4 ~ /name=systemd/) { print $2 }' /proc/mounts
}

# lock FD FILE: one process at a time. stop.sh removes the file with its folder, so it is looked at again.
lock() {
  while :; do
    mkdir -p "$(dirname "$2")"
    eval "exec $1> '$2'"
    flock "$1"
    ! [ "$2" -ef "/proc/self/fd/$1" ] || return 0
  done
}
