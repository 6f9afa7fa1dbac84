import type { SshTarget } from "../ssh/target.ts";

/**
 * How terraform-provider-libvirt connects to a host's libvirtd. It has an SSH client of its own, which knows these
 * parameters (libvirt's own client calls some of them otherwise), and which reads the user's ~/.ssh/config too.
 */
export function providerUri(target: SshTarget): string {
  const { user, address, libvirtName = address, port, privateKeyFile, knownHostsFile, jump } = target;
  const options = [];
  // It offers one key to each machine, and one that is named here to a jump host, too: where that has its own, ~/.ssh/config names both.
  const isForAll = jump?.privateKeyFile === undefined || jump.privateKeyFile === privateKeyFile;
  if (privateKeyFile) options.push("sshauth=privkey");
  if (privateKeyFile && isForAll) options.push(`keyfile=${encodePath(privateKeyFile)}`);
  if (knownHostsFile) options.push(`knownhosts=${encodePath(knownHostsFile)}`);
  const query = options.length > 0 ? `?${options.join("&")}` : "";
  return `qemu+ssh://${encodeURIComponent(user)}@${libvirtName}:${port}/system${query}`;
}

/** Slashes may stay, and a blank must not become the plus sign that forms use. */
function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
