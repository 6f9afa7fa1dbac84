import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../libvirt/quote.ts";

/** The scripts of this folder, and of those in it, that run on hosts, by what they see to. */
export type HostScript =
  | "bridge/bridge"
  | "bridge/bridge-confirm"
  | "bridge/bridge-find"
  | "claim"
  | "cpu-baseline"
  | "firewall"
  | "libvirtd"
  | "nfs-client"
  | "nfs-ganesha"
  | "nfs-kernel"
  | "nfs-mount"
  | "nfs-open"
  | "packages"
  | "pool-forget"
  | "pool-free"
  | "pool-ready"
  | "probe"
  | "tls"
  | "trust";

/** What a command does to a host: `apply` when it is created or changed, `remove` when it is deleted. */
export interface HostWork {
  readonly apply: readonly HostScript[];
  readonly remove?: readonly HostScript[];
}

/**
 * The standard input of `hostCommand`: scripts with their variables. They run one after the other, each in a shell of
 * its own; the first that fails is the last.
 */
export function hostScript(work: HostWork, variables: Readonly<Record<string, string>>): string {
  const inTurn = (scripts: readonly HostScript[] = []) =>
    scripts.map((script) => `(\ntrap failed ERR\n${read(script)})`).join("\n");
  return [
    // The shell must have read all of it before a command can read from its standard input.
    "main() {",
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`),
    read("lib"),
    `if [ "$ACTION" = apply ]; then :\n${inTurn(work.apply)}\nelse :\n${inTurn(work.remove)}\nfi`,
    "}",
    "main < /dev/null",
    "",
  ].join("\n");
}

/**
 * The command line that runs such scripts as root. It is short, so that an error which names it can be read, and holds
 * no secret.
 *
 * @param user who it is run by: anyone but root needs sudo without a password
 */
export function hostCommand(action: keyof HostWork, user: string): string {
  // sudo drops what sshd says of the connection, from which the bridge's uplink is found.
  // The login shell need not be POSIX's, nor the host's locale English.
  return user === "root"
    ? `env LC_ALL=C ACTION=${action} bash --norc -s`
    : `sudo -n env LC_ALL=C ACTION=${action} SSH_CONNECTION="$SSH_CONNECTION" bash --norc -s`;
}

function read(script: string): string {
  return readFileSync(join(import.meta.dirname, `${script}.sh`), "utf8");
}
