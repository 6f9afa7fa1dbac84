# shellcheck shell=bash
# One sample of what keeps this host and its guests busy, at the end of a file of the folder $1. It only reads, and is run by itself, by a timer
# (load.sh). hosts/load.ts says what is asked of the files. Each line has at its end a dot, by which one that was torn is known:
#
#   host  TIME BOOT AT BUSY_MS AVAILABLE_KIB .
#   guest TIME BOOT AT UUID COUNTER CPU_NS RESIDENT_KIB .
#
#   TIME       seconds of the clock, which may jump
#   BOOT, AT   which of its starts the host is in, and milliseconds since then: what lies between two samples is told by these
#   BUSY_MS    of CPU that this host has used, its guests included; a hyphen: not known, or not which guests it has
#   COUNTER    who counted CPU_NS: c, libvirt by a control group, or p, the kernel for the process; with the process's id, as another process
#              begins anew
set -euo pipefail
export LC_ALL=C TZ=UTC

since_boot() { # in hundredths of a second
  local up
  read -r up _ < /proc/uptime
  echo "${up/./}"
}
# In a container, /proc/stat tells of the whole machine. It is known by its control group, which is not the topmost one.
busy() {
  local own
  own=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
  if [ -n "$own" ] && [ -e "$own/cgroup.type" ]; then
    awk '$1 == "usage_usec" { printf "%.0f\n", $2 / 1000 }' "$own/cpu.stat"
  elif systemd-detect-virt --quiet --container; then
    echo -
  else
    # All but idle and iowait; guests are a part of user and nice.
    awk -v ticks="$ticks" '$1 == "cpu" { printf "%.0f\n", ($2 + $3 + $4 + $7 + $8 + $9) * 1000 / ticks }' /proc/stat
  fi
}
# What the kernel says of a process in nanoseconds of CPU, of all its threads.
process_ns() {
  local stat
  stat=$(< "/proc/$1/stat")
  # The second field, a name in brackets, may hold blanks.
  read -ra stat <<< "${stat##*) }"
  echo $(((stat[11] + stat[12]) * (1000000000 / ticks)))
}
guest_line() { # of $guest, for which libvirt says $cpu and $resident
  local uuid=${uuids[$guest]:-} pid counter
  pid=$(cat "/run/libvirt/qemu/$guest.pid" 2>/dev/null) || pid=
  # One that came while libvirt was asked is in the next sample.
  [ -n "$uuid" ] || return 0
  counter=c$pid
  if [ -z "$cpu" ]; then
    # Where QEMU has no control group of its own, libvirt does not count.
    counter=p$pid
    [ -n "$pid" ] && cpu=$(process_ns "$pid" 2>/dev/null) || return 0
  fi
  lines+="guest $begin $uuid $counter $cpu ${resident:--} ."$'\n'
}

ticks=$(getconf CLK_TCK)
read -r boot < /proc/sys/kernel/random/boot_id
before=$(since_boot)
# libvirt gives no answer that would have to wait for a guest's monitor.
said=$(timeout 10 virsh --quiet --readonly --connect qemu:///system \
  "list --uuid --name; domstats --raw --cpu-total --balloon --list-running --nowait" 2>/dev/null) && used=$(busy) || { said='' used=-; }
after=$(since_boot)
begin="$EPOCHSECONDS ${boot%%-*} $(((before + after) * 5))"
lines="host $begin $used $(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo) ."$'\n'

declare -A uuids=()
guest=
while IFS= read -r line; do
  case $line in
    ????????-????-????-????-????????????\ *)
      name=${line:37}
      uuids[${name%"${name##*[! ]}"}]=${line:0:36}
      ;;
    "Domain: '"*)
      [ -z "$guest" ] || guest_line
      guest=${line#*\'} guest=${guest%\'*} cpu='' resident=''
      ;;
    "  cpu.time="*) cpu=${line#*=} ;;
    "  balloon.rss="*) resident=${line#*=} ;;
  esac
done <<< "$said"
[ -z "$guest" ] || guest_line

# A file for each hour of the day, begun anew a day later: wherever the clock jumps to, they do not grow.
printf -v hour '%(%H)T' "$EPOCHSECONDS"
file=$1/$hour
if [ -e "$file" ] && [ $(($(stat -c %Y "$file") / 3600)) != $((EPOCHSECONDS / 3600)) ]; then : > "$file"; fi
# What a full disk has torn ends before this.
printf '\n%s' "$lines" >> "$file"
