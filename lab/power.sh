#!/usr/bin/env bash
# Shuts a container host of a lab down as its power button would, and keeps its disks (off); ends it as a power cut would (cut); or says
# whether it is on (status). start.sh starts it again.
# Environment: as in start.sh; LAB and LAB_HOST are enough.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
[ "$(id -u)" = 0 ] || exec sudo -n --preserve-env="$(compgen -e | grep -E '^(LAB|TESTBED_)' | paste -sd,)" bash "$0" "$@"
# shellcheck source=lab/lib.sh
. "$here/lib.sh"

off() {
  local init
  [ -d "$host_dir" ] || return 0
  lock 7 "$host_dir/lock"
  init=$(host_init)
  # systemd's signal for it. Who waits for it has a time limit, at which this script is ended.
  [ -z "$init" ] || kill -s RTMIN+4 "$init"
  while [ -n "$(host_init)" ]; do sleep 0.2; done
  # What may be left: mounts, and processes that were no children of process 1.
  bash "$here/stop.sh" leftovers 7>&-
}

# None of its processes can tidy up, its guests neither. Not called cut: that is a command, which lib.sh uses.
cut_power() {
  [ -d "$host_dir" ] || die "there is no such host, whose power could be cut"
  lock 7 "$host_dir/lock"
  bash "$here/stop.sh" leftovers 7>&-
}

case ${1:-} in
  off) off ;;
  cut) cut_power ;;
  status) if [ -n "$(host_pids)" ]; then echo on; else echo off; fi ;;
  *) die "power.sh off, cut or status" ;;
esac
