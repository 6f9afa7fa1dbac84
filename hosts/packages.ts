/** Packages by what they are for; the names hold in Debian 12, Ubuntu 22.04 and Ubuntu 24.04. */

/** QEMU with its NFS client (in the block drivers), libvirt, netcat for libvirt's connections over SSH, and Python, which reads XML (probe.sh). */
export const hypervisorPackages = [
  "qemu-system-x86",
  "qemu-utils",
  "qemu-block-extra",
  "libvirt-daemon-system",
  "libvirt-clients",
  "netcat-openbsd",
  "nfs-common",
  "python3",
];

/** libvirt alone, for the pool on the storage host; and Python, for the prober (prober.py), which asks guests from there. */
export const poolPackages = ["qemu-utils", "libvirt-daemon-system", "libvirt-clients", "python3"];

/** The NFS server in user space: for containers, where the kernel's can't be used. */
export const ganeshaPackages = ["nfs-ganesha", "nfs-ganesha-vfs", "rpcbind"];

/** The kernel's NFS server. */
export const kernelServerPackages = ["nfs-kernel-server"];
