#!/usr/bin/env bash
# Stops a container host of a lab and removes it with its disks; with the last host, the lab's bridge and folder go
# too. Works on whatever is left of the host. `stop.sh leftovers` is for start.sh: it clears away what a dead
# container left running or mounted, and keeps the disks.
# Environment: LAB, LAB_HOST, LAB_BRIDGE, LAB_ADDRESS, LAB_EXPORT and LAB_KNOWN_HOSTS, as in start.sh.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

# The host's key is nobody's any more. The file is the user's, not root's.
if [ "${1:-}" != leftovers ] && [ -f "${LAB_KNOWN_HOSTS:-}" ]; then
  exec 9< "$(dirname "$LAB_KNOWN_HOSTS")"
  flock 9
  sed -i "/^${LAB_ADDRESS//./\\.} /d" "$LAB_KNOWN_HOSTS"
  [ -s "$LAB_KNOWN_HOSTS" ] || rm -f "$LAB_KNOWN_HOSTS"
  exec 9<&-
fi

[ "$(id -u)" = 0 ] || exec sudo -n --preserve-env="$(compgen -e | grep -E '^(LAB|TESTBED_)' | paste -sd,)" bash "$0" "$@"
# shellcheck source=lab/lib.sh
. "$here/lib.sh"

# The host is gone when its last process is: killing process 1 makes the kernel kill all in its PID namespace, but a
# QEMU that waits for a dead NFS server takes its time.
kill_processes() {
  local pids deadline=$((SECONDS + 60))
  while pids=$(host_pids) && [ -n "$pids" ]; do
    # shellcheck disable=SC2086
    kill -KILL $pids 2>/dev/null || true
    # shellcheck disable=SC2086
    [ "$SECONDS" -lt "$deadline" ] ||
      die "these processes do not go away 60 s after they were killed: $(ps -o pid=,stat=,comm= $pids | paste -sd ';')"
    sleep 0.1
  done
  # systemd-nspawn sees its container end and tidies up; one that was still starting it goes the hard way.
  deadline=$((SECONDS + 5))
  while pids=$(supervisor_pids) && [ -n "$pids" ]; do
    # shellcheck disable=SC2086
    [ "$SECONDS" -lt "$deadline" ] || kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
}

# What a supervisor that was killed leaves in /run.
remove_nspawn_state() {
  rm -rf "/run/systemd/nspawn/propagate/$unit" "/run/systemd/nspawn/unix-export/$unit"
  ! mountpoint -q "$root" || rm -f "/run/systemd/nspawn/locks/inode-$(stat -c %d:%i "$root")"
}

unmount_root() {
  while mountpoint -q "$root"; do
    umount "$root" 2>/dev/null || umount --lazy "$root"
  done
}

# The kernel takes the host's network away a moment after its last process; a new container needs its name.
remove_link() {
  local deadline=$((SECONDS + 5))
  while ip link show "vb-$unit" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || ip link delete "vb-$unit" 2>/dev/null || true
    sleep 0.05
  done
}

# Groups that start.sh made; those of a unit are systemd's to remove.
remove_cgroups() {
  local hierarchy
  for hierarchy in $(cgroup_hierarchies); do
    [ ! -d "$hierarchy/$unit" ] || find "$hierarchy/$unit" -depth -type d -exec rmdir {} +
  done
}

remove_host() {
  if [ "$host_dir" = "$lab_dir/hosts/$LAB_HOST" ]; then
    rm -rf --one-file-system "$host_dir"
    return
  fi
  # In the former layout a host called export is the folder with the guests' disks: what is the host's is named.
  local own
  for own in upper work root base release alive lock console.log place limited; do rm -rf --one-file-system "${host_dir:?}/$own"; done
  rmdir "$host_dir" 2>/dev/null || true
}

# In both layouts; an export that has files of its own is no host.
has_hosts() {
  [ -n "$(find "$lab_dir/hosts" -mindepth 1 -maxdepth 1 -type d 2>/dev/null)" ] ||
    [ -n "$(find "$lab_dir" -mindepth 2 -maxdepth 2 -name place -type f -not -path "$lab_dir/hosts/*")" ]
}

remove_lab() {
  if [ "$(cat "/sys/class/net/$LAB_BRIDGE/ifalias" 2>/dev/null)" = "testbed $LAB" ]; then
    iptables -D FORWARD -i "$LAB_BRIDGE" -o "$LAB_BRIDGE" -j ACCEPT 2>/dev/null || true
    ip link delete "$LAB_BRIDGE"
  fi
  rm -rf --one-file-system "$lab_dir"
  rmdir "$state" 2>/dev/null || true
}

refuse_other_folders
kill_processes
remove_nspawn_state
unmount_root
remove_link
remove_cgroups
[ "${1:-}" != leftovers ] || exit 0

[ -d "$lab_dir" ] || exit 0
lock 8 "$lab_dir/lock"
remove_host
[ -z "${LAB_EXPORT:-}" ] || rm -rf --one-file-system "$lab_dir/export"
has_hosts || remove_lab
