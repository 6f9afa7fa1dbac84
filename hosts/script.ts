import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../ssh/quote.ts";

/** The scripts in scripts/, which run on hosts, by what they see to. */
export type HostScript =
  | "bridge"
  | "bridge-confirm"
  | "bridge-find"
  | "claim"
  | "cpu-baseline"
  | "firewall"
  | "libvirtd"
  | "load"
  | "load-sample"
  | "mount-there"
  | "mount-usable"
  | "network"
  | "nfs-client"
  | "nfs-ganesha"
  | "nfs-kernel"
  | "nfs-mount"
  | "nfs-open"
  | "packages"
  | "pool-define"
  | "pool-forget"
  | "pool-free"
  | "pool-ready"
  | "pool-there"
  | "probe"
  | "tls"
  | "trust"
  | "uefi";

/** What a command does to a host: `apply` when it is created or changed, `remove` when it is deleted. */
export interface HostWork {
  readonly apply: readonly HostScript[];
  readonly remove?: readonly HostScript[];
}

/**
 * Where the scripts lie on a host, in a file for each version of each. reach.sh puts them there; so a command, which Pulumi keeps in the
 * state twice, names its scripts and does not hold them.
 */
const scriptFolder = "/var/lib/kvm-migration-testbed/scripts";

/**
 * The standard input of `hostCommand`: variables, and the scripts that are to run with them. They run one after the other, each in a shell
 * of its own; the first that fails is the last.
 *
 * @param folder where they lie on the host
 */
export function hostScript(
  work: HostWork,
  variables: Readonly<Record<string, string>>,
  folder = scriptFolder,
): string {
  const inTurn = (scripts: readonly HostScript[] = []) => ["each", ...scripts.map(versionOf)].join(" ");
  return [
    // The shell must have read all of it before a command can read from its standard input.
    "main() {",
    ...Object.entries(variables).map(([name, value]) => `${name}=${quote(value)}`),
    `scripts=${quote(folder)}`,
    `lib=$scripts/${versionOf("lib")}`,
    `if [ ! -e "$lib" ]; then echo "$HOSTNAME: $lib ${goneHint}" >&2; [ "$ACTION" = remove ]; exit; fi`,
    `. "$lib"`,
    ...(needsSystem(work) ? [`for system in ${systems.join(" ")}; do`, inSystem, "done"] : []),
    `if [ "$ACTION" = apply ]; then ${inTurn(work.apply)}; else ${inTurn(work.remove)}; fi`,
    "}",
    "main < /dev/null",
    "",
  ].join("\n");
}

/** The host's own is the last one that is read; reach.sh lets none in here that is none of them. */
const inSystem = `. "$scripts/$system"; ! is_this_system /etc/os-release || break`;

/** With them went what says, in the same folder, what was done here: nothing can be taken back then, and that is no error. */
const goneHint = "is gone: somebody removed it. pulumi up --replace '**::*-reach' puts it there again";

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

const here = join(import.meta.dirname, "scripts");

/** The file's name on a host: `claim-0a1b2c3d4e5f.sh`, by the first digits of its text's SHA-256, as reach.sh makes it. */
export function versionOf(script: HostScript | "lib" | `system-${string}`): string {
  const known = versions.get(script) ?? `${script}-${digest(readFileSync(join(here, `${script}.sh`)))}.sh`;
  versions.set(script, known);
  return known;
}
const versions = new Map<string, string>();

const names = readdirSync(here)
  .flatMap((file) => (file.endsWith(".sh") ? (file.slice(0, -3) as HostScript) : []))
  .sort();

/** Changes with any of the scripts: they are then put on the hosts again. */
export const scriptsVersion = (): string => digest(names.map(versionOf).join());

const digest = (text: string | Buffer): string =>
  createHash("sha256").update(text).digest("hex").slice(0, 12);

/** The files of the systems that hosts may have, as they are called there. */
const systems = names.filter((name) => name.startsWith("system-")).map(versionOf);

/** Scripts that use what such a file says. */
const ofSystem = new Set(
  names.filter((name) => /\bsystem_\w/.test(readFileSync(join(here, `${name}.sh`), "utf8"))),
);
const needsSystem = ({ apply, remove = [] }: HostWork) =>
  [...apply, ...remove].some((script) => ofSystem.has(script));
