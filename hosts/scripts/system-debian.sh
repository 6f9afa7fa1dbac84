# shellcheck shell=bash disable=SC2034
# Debian and Ubuntu, and what the other scripts must know of them: which packages bring what, how they are installed, and what services,
# programs, users and files are called. Another system is another file like this one; README.md says what is in it.
# Sourced: by scripts that use its names, by reach.sh, which only asks whether a host is one, and by the lab's base.sh.

# By ID and VERSION_ID of os-release. Others of the family are prepared likewise, and it is said that they are others.
system_written_for="debian 12, debian 13, ubuntu 22.04, ubuntu 24.04"

# is_this_system OS_RELEASE_FILE
is_this_system() {
  # shellcheck source=/dev/null
  (ID= ID_LIKE= && . "$1" && [[ " $ID $ID_LIKE " =~ " "(debian|ubuntu)" " ]])
}

# --- Packages ---
# QEMU with its NFS client (in the block drivers), libvirt, netcat for libvirt's connections over SSH, and Python, which reads XML (probe.sh).
system_packages_hypervisor="qemu-system-x86 qemu-utils qemu-block-extra libvirt-daemon-system libvirt-clients netcat-openbsd nfs-common python3"
# UEFI for guests, of which one asks for it.
system_packages_uefi="ovmf"
# libvirt alone, for the pool on the storage host; and Python, for the prober (prober.py), which asks guests from there.
system_packages_pool="qemu-utils libvirt-daemon-system libvirt-clients python3"
# The NFS server in user space: for containers, where the kernel's can't be used.
system_packages_nfs_userspace="nfs-ganesha nfs-ganesha-vfs rpcbind"
# The kernel's NFS server.
system_packages_nfs_kernel="nfs-kernel-server"

system_has_package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true)" = installed ]; }

# Another apt may be at work on a machine that has just booted: wait for its lock.
system_package_manager=(apt-get -q -y -o DPkg::Lock::Timeout=300)
system_refresh_packages() { "${system_package_manager[@]}" update; }
system_install() { "${system_package_manager[@]}" install --no-install-recommends "$@"; }

# --- Services ---
# One libvirtd for everything; what is to be in its environment so that it does not exit when idle.
system_libvirt=libvirtd.service
system_libvirt_stays='LIBVIRTD_ARGS='
system_nfs_userspace=nfs-ganesha.service
system_nfs_kernel=nfs-server.service
system_nftables=nftables.service

# --- Programs, files and accounts ---
system_qemu=qemu-system-x86_64
# QEMU's machine types, without what the distribution adds to their names.
system_machines='pc-q35-[0-9]+\.[0-9]+'
# UEFI's code, and its variables as a new guest has them: those that fit together.
system_uefi_code=/usr/share/OVMF/OVMF_CODE_4M.fd
system_uefi_variables=/usr/share/OVMF/OVMF_VARS_4M.fd
system_libvirt_conf=/etc/libvirt/libvirtd.conf
system_qemu_conf=/etc/libvirt/qemu.conf
# Who may use libvirt, and as whom its QEMUs run.
system_libvirt_group=libvirt
system_qemu_user=libvirt-qemu
system_ganesha_conf=/etc/ganesha/ganesha.conf
