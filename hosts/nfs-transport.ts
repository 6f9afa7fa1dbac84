/** The NFS client through which a host's guests reach their disks: the kernel's, or QEMU's own (libnfs). */
export type NfsTransport = "kernel" | "userspace";

interface NfsClient {
  name: string;
  kernelNfs: boolean;
  /** Why the kernel's client can't be used, when it can't. */
  nfs: string;
}

/**
 * One transport for all hosts, as a guest's disk must be the same thing on each of them. Throws when the kernel's is
 * asked for and a host does not have it.
 */
export function chooseTransport(wanted: "auto" | NfsTransport, clients: readonly NfsClient[]): NfsTransport {
  const without = clients.filter(({ kernelNfs }) => !kernelNfs);
  if (wanted === "kernel" && without.length > 0) {
    const reasons = without.map(({ name, nfs }) => `${name}: ${nfs}`).join("; ");
    throw new Error(
      `storage.transport is "kernel" (or it is "auto", and guests have been made with the kernel's NFS client), but not every host's kernel ` +
        `can mount NFS 4.1 (${reasons}). Load the nfsv4 module there, or leave such a host out; "userspace" is for a testbed that is made anew`,
    );
  }
  if (wanted !== "auto") return wanted;
  return without.length === 0 ? "kernel" : "userspace";
}
