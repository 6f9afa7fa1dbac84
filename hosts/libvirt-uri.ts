import type { SshTarget } from "../libvirt/ssh-target.ts";

/**
 * How terraform-provider-libvirt connects to a host's libvirtd. It has an SSH client of its own, which knows these
 * parameters (libvirt's own client calls some of them otherwise), and which reads the user's ~/.ssh/config too.
 */
export function providerUri({ user, address, port, privateKeyFile, knownHostsFile }: SshTarget): string {
  const options = new URLSearchParams();
  if (privateKeyFile) {
    options.set("sshauth", "privkey");
    options.set("keyfile", privateKeyFile);
  }
  if (knownHostsFile) options.set("knownhosts", knownHostsFile);
  const query = options.size > 0 ? `?${decodeURIComponent(options.toString())}` : "";
  return `qemu+ssh://${user}@${address}:${port}/system${query}`;
}
