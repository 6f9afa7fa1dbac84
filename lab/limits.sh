# shellcheck shell=bash
# Holds a container to less memory and CPU than this machine has, by its control groups; a limit that changes holds at once, without a
# restart. To be sourced, behind lib.sh. Expects LAB_MEMORY_MIB and LAB_CPUS in the environment where there is a limit.

# There once a limit was set: one that is wished no more is then taken back.
limited=$host_dir/limited

has_systemd() { [ -d /run/systemd/system ]; }

# The container's group with the files of a controller; nothing where this machine has none.
controller_group() { # controller_group memory|cpu
  local version1 version2 group
  group=$(systemctl show --property=ControlGroup --value "$unit.service" 2>/dev/null || true)
  version1=$(awk -v name="$1" '$3 == "cgroup" && $4 ~ "(^|,)" name "(,|$)" { print $2; exit }' /proc/mounts)
  if [ -n "$version1" ]; then
    echo "$version1${group:-/$unit}"
    return
  fi
  version2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  if [ -n "$version2" ] && grep -qsw "$1" "$version2/cgroup.controllers"; then
    [ -n "$group" ] || echo "+$1" > "$version2/cgroup.subtree_control"
    echo "$version2${group:-/$unit}"
  fi
}

# A container that was started without a group there gets one. What it has taken already stays on its former group's account.
join() { # join GROUP
  local pid
  [ ! -d "$1" ] || return 0
  mkdir "$1"
  # Again, for what was begun meanwhile.
  for _ in 1 2; do
    for pid in $(supervisor_pids) $(host_pids); do echo "$pid" > "$1/cgroup.procs" || true; done 2>/dev/null
  done
}

# Held to less than its guests have taken, the kernel would end some. What is cached can be given back.
refuse_too_little() {
  local taken
  [ -n "${LAB_MEMORY_MIB:-}" ] || return 0
  taken=$(awk '$1 == "total_rss" || $1 == "anon" { print int($2 / 1048576); exit }' "$(controller_group memory)/memory.stat" 2>/dev/null || true)
  [ "${taken:-0}" -le "$LAB_MEMORY_MIB" ] ||
    die "it is to have $LAB_MEMORY_MIB MiB at most (hosts[].memoryMiB), and has taken $taken MiB, with its guests. Nothing was limited. Move a guest away, or give it more"
}

hold_memory() { # hold_memory GROUP
  local bytes=${LAB_MEMORY_MIB:+$((LAB_MEMORY_MIB * 1048576))}
  if has_systemd; then
    systemctl set-property --runtime "$unit.service" "MemoryMax=${bytes:-infinity}"
  elif [ -e "$1/memory.max" ]; then
    echo "${bytes:-max}" > "$1/memory.max"
  else
    echo "${bytes:--1}" > "$1/memory.limit_in_bytes"
  fi
}

# A hundredth of a second at a time: what is held back is not held back for long.
hold_cpus() { # hold_cpus GROUP
  local period=10000 quota
  quota=${LAB_CPUS:+$(awk -v cpus="$LAB_CPUS" -v period="$period" 'BEGIN { printf "%d", cpus * period }')}
  if has_systemd; then
    systemctl set-property --runtime "$unit.service" "CPUQuota=${quota:+$((quota * 100 / period))%}" "CPUQuotaPeriodSec=10ms"
  elif [ -e "$1/cpu.max" ]; then
    echo "${quota:-max} $period" > "$1/cpu.max"
  else
    echo "$period" > "$1/cpu.cfs_period_us"
    echo "${quota:--1}" > "$1/cpu.cfs_quota_us"
  fi
}

# Says what became of a limit, if there is to be one.
hold() { # hold WISH CONTROLLER NAME FUNCTION
  local group said
  group=$(controller_group "$2")
  if [ -z "$group" ]; then
    said="this machine has no control groups for $2"
  elif said=$(join "$group" 2>&1 && "$4" "$group" 2>&1); then
    [ -z "$1" ] || echo "$3 held"
    return
  fi
  [ -z "$1" ] || echo "$3 not held: ${said##*$'\n'}"
}

# Prints what is held, and what not and why, on one line.
hold_limits() {
  local wishes=${LAB_MEMORY_MIB:-}${LAB_CPUS:-} memory cpus
  [ -n "$wishes" ] || [ -e "$limited" ] || return 0
  touch "$limited"
  memory=$(hold "${LAB_MEMORY_MIB:-}" memory memory hold_memory)
  cpus=$(hold "${LAB_CPUS:-}" cpu cpus hold_cpus)
  [ -n "$wishes" ] || rm "$limited"
  echo "$memory${memory:+${cpus:+, }}$cpus"
}
