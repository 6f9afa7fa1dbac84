#!/usr/bin/env bash
# Starts a container host of a lab, or does nothing but bring its settings up to date if it runs. Prints its public
# SSH host key. What an interrupted start, a kill or a reboot of this machine left behind is cleared away first; the
# host's disks are kept.
#
#   LAB             the lab's name: its state lies in /var/lib/kvm-migration-testbed/$LAB
#   LAB_HOST        the host's name
#   LAB_BRIDGE      bridge on this machine that the lab's hosts and guests are connected to
#   LAB_GATEWAY     this machine's own address on it, LAB_PREFIX the length of the network's prefix
#   LAB_NETWORK     the network, as 10.77.0.0/24
#   LAB_ADDRESS     the host's address
#   LAB_AUTHORIZED_KEY   public key that may log in as root
#   LAB_EXPORT      a path in the host where a real folder of this machine shall be (an overlay can't be exported
#                   over NFS); empty: none
#   LAB_KNOWN_HOSTS file in which the host's key is taken down (by hosts/reach.sh) and struck out (by stop.sh)
#   LAB_MEMORY_MIB  memory that the host may take, with all that runs in it; LAB_CPUS, how many CPUs it may keep busy (1.5). Absent:
#                   all that this machine has. With one of them a second line is printed: what is held, and what not and why
#   LAB_RELEASE     the system that it is made with, for life: debian-12 (the default) or debian-13
#   LAB_GENERATION  goes up by one whenever the host was found dead; written down for the next look
#   TESTBED_CACHE   where the base is, or is made; default: the user's cache folder
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
export TESTBED_CACHE=${TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kvm-migration-testbed}
[ "$(id -u)" = 0 ] || exec sudo -n --preserve-env="$(compgen -e | grep -E '^(LAB|TESTBED_)' | paste -sd,)" bash "$0"
# shellcheck source=lab/lib.sh
. "$here/lib.sh"
# shellcheck source=lab/limits.sh
. "$here/limits.sh"
release=${LAB_RELEASE:-debian-12}

refuse_other_labs() {
  local owner route alias
  # The state's folder belongs to one clone of the project. A clone that was moved or removed has no say.
  owner=$(cat "$lab_dir/owner" 2>/dev/null || true)
  if [ -n "$owner" ] && [ "$owner" != "$project" ] && [ -e "$owner/Pulumi.yaml" ]; then
    die "a lab of this name was started from $owner and is still there. Destroy it there (npm run lab:down), or give this stack another name and network"
  fi
  if ip link show "$LAB_BRIDGE" >/dev/null 2>&1; then
    alias=$(cat "/sys/class/net/$LAB_BRIDGE/ifalias")
    [ "$alias" = "testbed $LAB" ] ||
      die "the interface $LAB_BRIDGE is there already and is not this lab's (${alias:-made by something else}). Destroy that lab, or give this one another bridge name"
  fi
  route=$(ip -4 -o route show root "$LAB_NETWORK" | grep -vF " dev $LAB_BRIDGE " | head -n 1 || true)
  [ -z "$route" ] ||
    die "the network $LAB_NETWORK is in use on this machine (ip route: $route). Destroy the other lab, or choose another lab.network in the stack's config"
}

# Where a lab is can't be changed under its hosts, whose guests and disks know it by its addresses.
refuse_moving() {
  local was is
  is="network $LAB_NETWORK, bridge $LAB_BRIDGE, address $LAB_ADDRESS, export ${LAB_EXPORT:-none}"
  was=$(cat "$host_dir/place" 2>/dev/null || echo "$is")
  [ "$was" = "$is" ] ||
    die "it was made with $was; the stack's config now says $is. That can't be changed while the lab is there: change it back, or destroy the lab first (npm run lab:down)"
  echo "$is" > "$host_dir/place"
}

make_bridge() {
  if ! ip link show "$LAB_BRIDGE" >/dev/null 2>&1; then
    ip link add "$LAB_BRIDGE" type bridge stp_state 0
    ip link set "$LAB_BRIDGE" alias "testbed $LAB"
  fi
  ip -4 addr show dev "$LAB_BRIDGE" | grep -qF " $LAB_GATEWAY/$LAB_PREFIX " ||
    ip addr add "$LAB_GATEWAY/$LAB_PREFIX" dev "$LAB_BRIDGE"
  ip link set "$LAB_BRIDGE" up
  # Docker and others pass bridged frames through iptables and drop what they do not know.
  if [ "$(cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || echo 0)" = 1 ] &&
    command -v iptables >/dev/null; then
    iptables -C FORWARD -i "$LAB_BRIDGE" -o "$LAB_BRIDGE" -j ACCEPT 2>/dev/null ||
      iptables -I FORWARD -i "$LAB_BRIDGE" -o "$LAB_BRIDGE" -j ACCEPT
  fi
}

# A host keeps the system that it was made with: another lower layer under the same changes would be neither.
refuse_other_release() {
  local was
  [ -e "$host_dir/base" ] || return 0
  # Hosts that were made before there was a choice do not say.
  was=$(cat "$host_dir/release" 2>/dev/null || echo debian-12)
  [ "$was" = "$release" ] ||
    die "it was made with $was, which it keeps; the stack's config now says $release. Change it back, or drain the host, leave it out of the config, run \`pulumi up\`, and add it again with $release"
}

mount_root() {
  local base
  mountpoint -q "$root" && return
  # Nor another base of the same system.
  base=$(cat "$host_dir/base" 2>/dev/null || true)
  if [ ! -d "$base" ]; then
    base=$(LAB_RELEASE=$release bash "$here/base.sh")
    echo "$release" > "$host_dir/release"
    echo "$base" > "$host_dir/base"
  fi
  mkdir -p "$host_dir/work" "$root"
  mount -t overlay "testbed-$LAB-$LAB_HOST" -o "lowerdir=$base,upperdir=$host_dir/upper,workdir=$host_dir/work" "$root"
}

# Writes standard input to a file of the container, if that changes it.
put() {
  local file=$root/$1 new
  new=$(cat)
  if [ "$(cat "$file" 2>/dev/null)" != "$new" ]; then
    mkdir -p "$(dirname "$file")"
    printf '%s\n' "$new" > "$file"
  fi
}

configure() {
  local authorized
  echo "$LAB_HOST" | put etc/hostname
  [ -s "$root/etc/machine-id" ] || tr -d - < /proc/sys/kernel/random/uuid > "$root/etc/machine-id"
  [ -s "$root/etc/ssh/ssh_host_ed25519_key" ] ||
    ssh-keygen -q -t ed25519 -N '' -C "$LAB_HOST" -f "$root/etc/ssh/ssh_host_ed25519_key"
  [ -s "$root/etc/hosts" ] || printf '127.0.0.1 localhost\n::1 localhost\n' > "$root/etc/hosts"
  # Before systemd's own 80-container-host0.network; Bridge moves the address with one that sorts before this.
  put etc/systemd/network/50-testbed-lab.network <<NETWORK
[Match]
Name=host0
[Network]
Address=$LAB_ADDRESS/$LAB_PREFIX
Gateway=$LAB_GATEWAY
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK
  install -d -m 700 "$root/root/.ssh"
  # Other lines are others': KvmHost adds the key with which hosts reach each other. Ours is known by its comment, whatever
  # the key's own says.
  authorized=$(cut -d ' ' -f 1,2 <<< "$LAB_AUTHORIZED_KEY")' testbed-lab'
  touch "$root/root/.ssh/authorized_keys"
  if ! grep -qxF "$authorized" "$root/root/.ssh/authorized_keys"; then
    sed -i '/ testbed-lab$/d' "$root/root/.ssh/authorized_keys"
    echo "$authorized" >> "$root/root/.ssh/authorized_keys"
  fi
}

boot() {
  # systemd-nspawn's exit code when its container asks for a reboot.
  local reboots=133 command device
  command=(
    systemd-nspawn --quiet --keep-unit --register=no --settings=no --boot
    --directory="$root" --machine="$unit" --hostname="$LAB_HOST"
    --network-bridge="$LAB_BRIDGE" --resolv-conf=off --timezone=off --link-journal=no --console=read-only
    --capability=all
    # What would reach this machine's kernel, hardware, clock or security modules. Nothing in a host needs it.
    --drop-capability=CAP_SYS_MODULE,CAP_SYS_RAWIO,CAP_SYS_TIME,CAP_SYSLOG,CAP_MAC_ADMIN,CAP_MAC_OVERRIDE,CAP_WAKE_ALARM
    # open_by_handle_at is how nfs-ganesha serves a file system, and nspawn's filter forbids it.
    --system-call-filter='open_by_handle_at name_to_handle_at keyctl add_key bpf userfaultfd'
  )
  for device in /dev/kvm /dev/net/tun /dev/vhost-net /dev/userfaultfd /dev/fuse; do
    [ ! -e "$device" ] || command+=(--bind="$device")
  done
  if [ -n "${LAB_EXPORT:-}" ]; then
    mkdir -p "$lab_dir/export"
    command+=(--bind="$lab_dir/export:$LAB_EXPORT")
  fi
  # The kernel's NFS client, for hosts that may mount with it; a kernel without it leaves QEMU's own.
  modprobe nfs 2>/dev/null || true

  if [ -d /run/systemd/system ]; then
    # A unit of its own: the container outlives the session in which `up` ran.
    systemctl reset-failed "$unit.service" 2>/dev/null || true
    systemd-run --quiet --collect --unit="$unit" --slice=machine.slice --property=Delegate=yes \
      --property=KillMode=mixed --property=TasksMax=infinity --property=TimeoutStopSec=20 \
      --property=SuccessExitStatus=$reboots --property=RestartForceExitStatus=$reboots \
      --property=StandardOutput="append:$host_dir/console.log" --property=StandardError="append:$host_dir/console.log" \
      -- "${command[@]}"
  else
    # In control groups of its own, as a unit would have: hosts that share them see each other's services there.
    (
      for hierarchy in $(cgroup_hierarchies); do
        mkdir -p "$hierarchy/$unit" && echo "$BASHPID" > "$hierarchy/$unit/cgroup.procs"
      done
      # shellcheck disable=SC2016 # expanded there
      exec setsid sh -c 'while "$@"; [ $? -eq '$reboots' ]; do :; done' lab-host "${command[@]}"
    ) < /dev/null >> "$host_dir/console.log" 2>&1 &
  fi
}

wait_for_ssh() {
  local deadline=$((SECONDS + 60)) banner
  until banner=$(timeout 2 bash -c "exec 3<> /dev/tcp/$LAB_ADDRESS/22 && head -c 4 <&3" 2>/dev/null) && [ "$banner" = SSH- ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 15 "$host_dir/console.log" >&2
      die "the container does not answer on $LAB_ADDRESS port 22 after 60 s; its console above is $host_dir/console.log"
    fi
    sleep 0.2
  done
}

refuse_other_folders
refuse_other_labs
lock 8 "$lab_dir/lock"
echo "$project" > "$lab_dir/owner"
mkdir -p "$host_dir/upper"
refuse_moving
refuse_other_release
make_bridge
flock -u 8

lock 7 "$host_dir/lock"
init=$(host_init)
# Without its supervisor a container has lost its console and the way to shut it down: it counts as dead.
if [ -z "$init" ] || [ -z "$(host_supervisor "$init")" ]; then
  bash "$here/stop.sh" leftovers 7>&-
  init=
fi
refuse_too_little
mount_root
configure
if [ -z "$init" ]; then
  boot 7>&- 8>&-
  deadline=$((SECONDS + 20))
  until init=$(host_init) && [ -n "$init" ]; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 15 "$host_dir/console.log" >&2
      why=
      ! grep -q 'Too many open files' "$host_dir/console.log" ||
        why=". All inotify instances that this machine lets root have are taken ($(cat /proc/sys/fs/inotify/max_user_instances)): allow more, as by sysctl fs.inotify.max_user_instances=1024"
      die "systemd-nspawn did not start the container; its last words above are in $host_dir/console.log$why"
    fi
    sleep 0.1
  done
fi
echo "${LAB_GENERATION:-1} $init $(start_time "$init") $(host_supervisor "$init")" > "$host_dir/alive"
held=$(hold_limits)
wait_for_ssh
cut -d ' ' -f 1,2 "$root/etc/ssh/ssh_host_ed25519_key.pub"
[ -z "${LAB_MEMORY_MIB:-}${LAB_CPUS:-}" ] || echo "$held"
