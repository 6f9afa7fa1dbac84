#!/usr/bin/env bash
# Builds a Debian 12 cloud image that boots by itself, from Debian's packages alone: no loop device, no
# mount, no download of a ready-made image.
#
#   debian-12.sh OUT.qcow2 [PACKAGE ...]    with these packages besides
#
# Needs root, and: mmdebstrap debian-archive-keyring e2fsprogs dosfstools mtools syslinux fdisk qemu-utils.
# OUT appears only once it is whole. Progress goes to stderr. Guests of a testbed are many, short-lived and
# often emulated, so what this image is tuned for is the time from power-on to SSH; see images/README.md.
set -euo pipefail

out=${1:?usage: debian-12.sh OUT.qcow2 [PACKAGE ...]}
shift
here=$(dirname "$(readlink -f "$0")")
# shellcheck source=lab/apt-sources.sh
. "$here/../lab/apt-sources.sh"
files=$here/debian-12 # what is laid over Debian's own files

say() { printf 'debian-12 image: %4d s  %s\n' "$SECONDS" "$*" >&2; }
die() {
	printf 'debian-12 image: %s\n' "$*" >&2
	exit 1
}

[ "$(uname -m)" = x86_64 ] || die "this machine is $(uname -m); the image and its boot loader are for x86_64: name another image in the stack's config"
[ "$(id -u)" = 0 ] || die "building it needs root: run this with sudo"
missing=
for tool in mmdebstrap mke2fs mkfs.fat mcopy syslinux sfdisk qemu-img; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || die "not found:$missing. Install: mmdebstrap debian-archive-keyring e2fsprogs dosfstools mtools syslinux fdisk qemu-utils"
for mbr in /usr/lib/SYSLINUX/mbr.bin /usr/lib/syslinux/mbr/mbr.bin none; do
	[ ! -s "$mbr" ] || break
done
[ "$mbr" != none ] || die "SYSLINUX's mbr.bin was not found: install the package syslinux-common"

# One build at a time, and none beside what a killed one left running: its processes hold the lock too.
mkdir -p "$(dirname "$out")"
exec 9<"$(dirname "$out")"
flock -n 9 || { say "another build is running: waiting for it" && flock 9; }
if [ -s "$out" ]; then
	say "already there"
	exit 0
fi
work=$out.building
rm -rf --one-file-system "$work"
mkdir -p "$work"
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
disk=$work/disk.raw

# --- What is in it -----------------------------------------------------------------------------------------

packages=(
	linux-image-cloud-amd64 initramfs-tools lz4
	systemd systemd-sysv udev dbus kmod procps
	iproute2 iputils-ping netbase openssh-server sudo
	cloud-init cloud-guest-utils fdisk e2fsprogs
	python3 qemu-guest-agent less
	systemd-boot-efi
	"$@"
)
# Not: libpam-systemd, whose per-user manager costs seconds at the first login on an emulated CPU.

# Timers would write pages and blocks in a guest that is being measured. The others do what a virtual machine of
# one purpose has no need of, and each is a process to start in the way of SSH.
unwanted=(
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
	e2scrub_reap.service systemd-networkd-wait-online.service systemd-pstore.service
	cloud-config.service cloud-init-hotplugd.socket
	dev-hugepages.mount dev-mqueue.mount sys-fs-fuse-connections.mount sys-kernel-config.mount
	sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount systemd-binfmt.service
	modprobe@configfs.service modprobe@dm_mod.service modprobe@drm.service modprobe@fuse.service modprobe@loop.service
	kmod-static-nodes.service systemd-modules-load.service systemd-network-generator.service
	systemd-journal-flush.service systemd-sysusers.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
)
unwanted_generators=(
	cryptsetup debug gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup
)

# --- The root file system ----------------------------------------------------------------------------------

apt_sources "$work/apt"

say "installing Debian 12 and $(wc -w <<<"${packages[*]}") named packages"
TMPDIR=$work bash "$here/../lab/only-standard-files.sh" mmdebstrap --mode=root --variant=minbase --architectures=amd64 \
	--aptopt="$work/apt/apt.conf" --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
	--include="$(IFS=, && echo "${packages[*]}")" \
	--essential-hook="mkdir -p \"\$1/etc\" && cp -r '$files/etc/initramfs-tools' \"\$1/etc/\"" \
	bookworm "$root" "$work/apt/sources.list" >"$work/mmdebstrap.log" 2>&1 || {
	mv "$work/mmdebstrap.log" "$out.log"
	grep -E '^(E|W):|rror' "$out.log" | tail -n 20 >&2 || true
	die "mmdebstrap could not install Debian 12 (see above, and all of it in $out.log). Packages came from: $(sed 's/\[[^]]*\] //' "$work/apt/sources.list" | paste -sd ';')"
}

say "configuring it"
rm "$root"/etc/cloud/cloud.cfg.d/*
# Without it cloud-init leaves out the check of its seed against a schema: a second of an emulated CPU.
rm -r "$root/usr/lib/python3/dist-packages/jsonschema"
tar -C "$files" --owner=0 --group=0 --mode=u=rwX,go=rX -c . | tar -C "$root" --no-overwrite-dir -x
chroot "$root" apt-mark hold linux-image-cloud-amd64 >/dev/null # the boot partition would not follow
chroot "$root" systemctl enable systemd-networkd.service ssh.service testbed-grow-root.service >/dev/null 2>&1
chroot "$root" systemctl mask "${unwanted[@]}" >/dev/null 2>&1
for generator in "${unwanted_generators[@]}"; do
	ln -s /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done

# A login that says nothing: made-up messages cost every SSH command half a second.
sed -i '/pam_motd\|pam_mail/d' "$root/etc/pam.d/sshd" "$root/etc/pam.d/login"

# What belongs to one machine, this one or a guest, is not in an image.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/etc/fstab" "$root/etc/resolv.conf" "$root/etc/apt/apt.conf.d/99mmdebstrap"
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
printf 'deb http://deb.debian.org/debian %s main\n' bookworm bookworm-updates >"$root/etc/apt/sources.list"
echo 'deb http://deb.debian.org/debian-security bookworm-security main' >>"$root/etc/apt/sources.list"
rm -rf "${root:?}"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
find "$root/var/log" -type f -delete

# --- The disk: an MBR, a FAT partition with SYSLINUX, systemd-boot, kernel and initramfs, an ext4 partition --------

mib=$((1024 * 1024))
boot_mib=64
used_mib=$(du -sm --exclude="$root/boot" "$root" | cut -f1)
# Room for the journal and the file system's own tables; the guest's first boot grows it to its disk.
root_mib=$((used_mib * 5 / 4 + 192))
root_start_mib=$((1 + boot_mib))

say "writing the disk ($used_mib MiB of files)"
mkdir "$work/boot"
cp "$root"/boot/vmlinuz-* "$work/boot/vmlinuz"
cp "$root"/boot/initrd.img-* "$work/boot/initrd"
rm -f "$root"/boot/* "$root/vmlinuz" "$root/vmlinuz.old" "$root/initrd.img" "$root/initrd.img.old"
# No fstab: the root file system is mounted as it should be from the start. mitigations=off: an emulated CPU
# pays for them and a testbed has no secrets. One network card, one name: net.ifnames=0.
options="root=LABEL=guest-root rootfstype=ext4 rootflags=noatime rw fsck.mode=skip net.ifnames=0 mitigations=off cryptomgr.notests=1 random.trust_cpu=on console=tty0 console=ttyS0,115200 quiet loglevel=4"
cat >"$work/boot/syslinux.cfg" <<END
PROMPT 0
TIMEOUT 0
DEFAULT linux
LABEL linux
  LINUX /vmlinuz
  INITRD /initrd
  APPEND $options
END
# The same for UEFI, which looks here for a loader when it knows of no other.
mkdir -p "$work/boot/EFI/BOOT" "$work/boot/loader/entries"
cp "$root/usr/lib/systemd/boot/efi/systemd-bootx64.efi" "$work/boot/EFI/BOOT/BOOTX64.EFI"
echo 'timeout 0' >"$work/boot/loader/loader.conf"
printf 'title Debian 12\nlinux /vmlinuz\ninitrd /initrd\noptions %s\n' "$options" >"$work/boot/loader/entries/debian.conf"

truncate -s $(((root_start_mib + root_mib) * mib)) "$disk"
sfdisk --quiet "$disk" <<END
label: dos
start=2048, size=$((boot_mib * 2048)), type=c, bootable
start=$((root_start_mib * 2048)), size=$((root_mib * 2048)), type=83
END
dd if="$mbr" of="$disk" bs=440 count=1 conv=notrunc status=none
mkfs.fat -F 16 -n GUEST-BOOT --offset=2048 "$disk" $((boot_mib * 1024)) >"$work/mkfs.log" 2>&1 || { cat "$work/mkfs.log" >&2 && die "mkfs.fat failed"; }
mcopy -s -i "$disk@@$mib" "$work"/boot/* ::
syslinux --install --offset $mib "$disk"
# Every inode table is written now (zeros, which cost nothing in a qcow2), so that no guest does it in the
# background while it is being measured. Fewer inodes than usual: the tables also grow with a guest's disk.
mke2fs -q -t ext4 -L guest-root -m 1 -i 32768 -E "offset=$((root_start_mib * mib)),lazy_itable_init=0,lazy_journal_init=0" \
	-d "$root" "$disk" ${root_mib}M
rm -rf --one-file-system "$root"

say "converting it to qcow2"
# Compressed it is a third to upload to the storage host, and a guest's boot takes 2 % longer.
qemu-img convert -q -c -f raw -O qcow2 -o compression_type=zstd "$disk" "$work/image.qcow2"
sync -d "$work/image.qcow2"
mv "$work/image.qcow2" "$out"
say "built: $out, $(du -m "$out" | cut -f1) MiB"
