# shellcheck shell=bash
# What start.sh and stop.sh share. To be sourced. Expects LAB, LAB_HOST and LAB_BRIDGE in the environment.

state=/var/lib/kvm-migration-testbed
lab_dir=$state/$LAB
# Hosts lie in a folder of their own: one may be called like anything else of the lab, as its export. The version before had them
# beside that; such a host stays where it is, and is known by a file that is nowhere at that place now.
host_dir=$lab_dir/hosts/$LAB_HOST
[ -d "$host_dir" ] || [ ! -f "$lab_dir/$LAB_HOST/place" ] || host_dir=$lab_dir/$LAB_HOST
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
  # The fourth and fifth field are the mount's root and its mount point. grep passes over processes that have gone. A dot in a
  # name stands for itself.
  grep -ls " / / .*upperdir=${host_dir//./\\.}/upper," /proc/[0-9]*/mountinfo | cut -d / -f 3 || true
}

# The systemd-nspawn processes that hold the container, or are about to.
supervisor_pids() {
  # Written in one word with -e, grep does not find itself.
  grep -lsxzF -e"--machine=$unit" /proc/[0-9]*/cmdline | cut -d / -f 3 || true
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

# The control group hierarchies in which a container has a group of its own: those in which its systemd keeps its services (version
# 2's, and version 1's own), and those that can hold it to less than this machine has.
cgroup_hierarchies() {
  awk '$3 == "cgroup2" || ($3 == "cgroup" && $4 ~ /(^|,)(name=systemd|memory|cpu)(,|$)/) { print $2 }' /proc/mounts
}

# Whether the lab's folder can be a lab's. On a machine that also serves a testbed as a host, others' folders lie beside it: a lab
# that is called like one of them must not take it.
refuse_other_folders() {
  local entry
  [ -e "$lab_dir" ] || return 0
  [ ! -f "$lab_dir/owner" ] || return 0
  for entry in "$lab_dir" "$lab_dir"/*; do
    case $entry in
      "$lab_dir") [ ! -d "$entry" ] || continue ;;
      # An interrupted start had come no further.
      "$lab_dir/lock" | "$lab_dir/hosts" | "$lab_dir/*") continue ;;
    esac
    die "$lab_dir is there already and is no lab's. Give this stack another name"
  done
}

case $LAB in
  [A-Za-z0-9]*) ;;
  *) die "a lab's name begins with a letter or a digit, for it is a folder's. Give this stack another name" ;;
esac
for name in "$LAB" "$LAB_HOST"; do
  case $name in
    '' | .* | *[!A-Za-z0-9._-]*) die "the name \"$name\" can't be a folder's: give one of letters, digits, hyphens and dots" ;;
  esac
done

# lock FD FILE: one process at a time. stop.sh removes the file with its folder, so it is looked at again.
lock() {
  while :; do
    mkdir -p "$(dirname "$2")"
    eval "exec $1> '$2'"
    flock "$1"
    ! [ "$2" -ef "/proc/self/fd/$1" ] || return 0
  done
}
