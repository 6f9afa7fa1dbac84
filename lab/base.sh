#!/usr/bin/env bash
# The file system that every container host of a lab shares as its lower layer: a Debian release with all that KvmHost
# and NfsPool would install, so that apt has nothing to do when a lab comes up. Made once for each release, in the
# cache, named after a hash of its recipe (this file); prints its path. An interrupted build leaves nothing that looks
# finished.
#
#   LAB_RELEASE     debian-12 (the default) or debian-13
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=lab/apt-sources.sh
. ./apt-sources.sh

# shellcheck source=hosts/scripts/system-debian.sh
. ../hosts/scripts/system-debian.sh

cache=${TESTBED_CACHE:?the cache folder}
release=${LAB_RELEASE:-debian-12}
case $release in
  debian-12) codename=bookworm ;;
  debian-13) codename=trixie ;;
  *)
    echo "lab base: there is none for $release: LAB_RELEASE is debian-12 or debian-13" >&2
    exit 1
    ;;
esac

# shellcheck disable=SC2206
packages=(
  # a machine
  systemd systemd-sysv dbus udev iproute2 openssh-server sudo procps kmod ca-certificates
  # a KVM host, and a storage host with an NFS server that needs no kernel support
  $system_packages_hypervisor $system_packages_uefi $system_packages_pool $system_packages_nfs_userspace dmidecode
  # QEMU's own NFS client, to look with
  libnfs-utils
  # for looking around and for measuring the network
  iperf3 iputils-ping iputils-arping ethtool tcpdump less
)
recipe=$({ cat base.sh apt-sources.sh; echo "$release ${packages[*]}"; } | sha256sum | cut -c1-12)
base=$cache/lab-base-$release-$recipe

mkdir -p "$cache"
exec 9> "$cache/lab-base.lock"
flock 9
if [ -d "$base" ]; then
  echo "$base"
  exit
fi

say() { echo "lab base: $*" >&2; }
# Only a killed build leaves these behind: the lock is ours.
rm -rf --one-file-system "$cache"/lab-base-*.partial
partial=$base.partial
log=$partial/build.log
work=$partial/work
mkdir -p "$work"

say "building ${release/debian-/Debian } with ${#packages[@]} packages and what they need, once (about a minute and 500 MB, in $cache)"
cat > "$work/customize" <<'HOOK'
#!/bin/sh
set -eu
root=$1
# A kernel without its modules: what the KVM probe boots. Installing the package would build an initramfs.
kernel=$(chroot "$root" apt-cache depends --important linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
chroot "$root" sh -c "cd /tmp && apt-get -q download '$kernel' && dpkg-deb --fsys-tarfile linux-image-*.deb | tar -x -C / --wildcards './boot/vmlinuz-*' && rm linux-image-*.deb"

echo 'HostKey /etc/ssh/ssh_host_ed25519_key' > "$root/etc/ssh/sshd_config.d/testbed.conf"
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf" "$root/var/lib/dbus/machine-id"
: > "$root/etc/machine-id"
# libvirt's default network is NAT behind a bridge of its own: nothing here uses it.
rm -f "$root/etc/libvirt/qemu/networks/autostart/default.xml"
chroot "$root" systemctl --quiet enable systemd-networkd.service ssh.service
# The storage host alone serves NFS, and turns it on itself. The rest is for machines with hardware and users.
for unit in nfs-ganesha.service rpcbind.service rpcbind.socket systemd-networkd-wait-online.service \
  apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer libvirt-guests.service; do
  [ ! -e "$root/usr/lib/systemd/system/$unit" ] || chroot "$root" systemctl --quiet disable "$unit"
done
chroot "$root" systemctl --quiet mask systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket getty@tty1.service console-getty.service systemd-modules-load.service
HOOK
chmod +x "$work/customize"

# One line for every twentieth package: a build without a sign of life looks hung.
progress() {
  local line count=0
  while IFS= read -r line; do
    echo "$line" >> "$log"
    case $line in
      "Setting up "*)
        count=$((count + 1))
        [ $((count % 20)) != 0 ] || say "$count packages set up"
        ;;
      "I: "*) say "${line#I: }" ;;
    esac
  done
}

apt_sources "$work/apt" $codename
# Debian 12's QEMU comes from its backports: emulating (TCG), QEMU before 9.0 loses writes of a running guest while its memory
# is copied, and the guest crashes after a live migration (fixed by "physmem: Fix migration dirty bitmap coherency with TCG").
pin=()
if [ $codename = bookworm ]; then
  backports=$(sed -n 's/ bookworm main$/ bookworm-backports main/p' "$work/apt/sources.list")
  echo "$backports" >> "$work/apt/sources.list"
  printf 'Package: src:qemu src:seabios\nPin: release n=bookworm-backports\nPin-Priority: 990\n' > "$work/pin"
  pin=(--setup-hook="install -D -m 644 '$work/pin' \"\$1/etc/apt/preferences.d/testbed\"")
fi
started=$SECONDS
if ! bash only-standard-files.sh mmdebstrap --verbose --mode=root --variant=minbase --aptopt="$work/apt/apt.conf" --include="$(IFS=,; echo "${packages[*]}")" \
  --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
  --dpkgopt=force-unsafe-io \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  "${pin[@]}" --customize-hook="$work/customize" \
  $codename "$partial/root" "$work/apt/sources.list" 2>&1 | progress; then
  cp "$log" "$cache/lab-base.log"
  say "mmdebstrap failed; its last words (all of them: $cache/lab-base.log):"
  tail -n 15 "$log" >&2
  exit 1
fi
mv "$partial/root" "$base"
rm -rf --one-file-system "$partial"
say "done in $((SECONDS - started)) s: $base"
echo "$base"
