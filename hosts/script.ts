import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../libvirt/ssh-session.ts";

/** The scripts of this folder that run on hosts, by what they see to. */
export type HostScript =
  | "bridge"
  | "bridge-confirm"
  | "cpu-baseline"
  | "libvirtd"
  | "nfs-ganesha"
  | "nfs-kernel"
  | "nfs-mount"
  | "nfs-open"
  | "packages"
  | "probe"
  | "trust";

/**
 * One command line for a host's shell that runs scripts one after the other, as root, with the same variables. It
 * stops at the first that fails.
 *
 * @param user who it runs as at first: anyone but root needs sudo without a password
 */
export function scriptCommand(
  scripts: readonly HostScript[],
  variables: Readonly<Record<string, string>>,
  user: string,
): string {
  const text = [
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`),
    read("lib"),
    // In brackets: each has its own `exit`, traps and variables.
    ...scripts.map((script) => `(\ntrap failed ERR\n${read(script)})`),
  ].join("\n");
  // sudo drops what sshd says of the connection, from which the bridge's uplink is found.
  const root = user === "root" ? "" : 'sudo -n SSH_CONNECTION="$SSH_CONNECTION" ';
  return `${root}bash -c ${quote(text)}`;
}

function read(script: string): string {
  return readFileSync(join(import.meta.dirname, `${script}.sh`), "utf8");
}
