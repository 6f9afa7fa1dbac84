import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HostScript, hostScript } from "../../../hosts/script.ts";
import { installScripts } from "./host-scripts.ts";

/**
 * Something like a host for its scripts, for the time of one command: a network and mounts of its own, folders of /etc
 * that nothing is in, and programs that only pretend.
 */
export interface Sandbox {
  /** Bash that sets the host up. */
  readonly before?: string;
  /** Bash that looks at what came of it, in the same place; its output is the result's. */
  readonly after?: string;
  /** Programs by their names, in bash: they stand before the real ones. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** What scripts write to is empty in there; the machine's own stays out of reach. */
const ownFolders = ["/etc/systemd/system", "/etc/nfs.conf.d", "/etc/network", "/var/lib", "/run"];

const unshare = [...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--net", "--mount"];

/** Whether this machine lets us have one, with the programs that are named. */
export const hasSandbox = (...programs: readonly string[]): boolean =>
  spawnSync("unshare", [
    ...unshare,
    "bash",
    "-c",
    `command -v ${programs.join(" ")} && mount -t sysfs s /sys`,
  ]).status === 0;

export function runOnSandbox(
  script: HostScript,
  variables: Readonly<Record<string, string>>,
  sandbox: Sandbox,
  actions: readonly ("apply" | "remove")[] = ["apply"],
) {
  return runRounds(
    script,
    actions.map((action) => ({ action, variables })),
    sandbox,
  );
}

/** The same script several times, each time told something else. */
export function runRounds(
  script: HostScript,
  rounds: readonly { action?: "apply" | "remove"; variables: Readonly<Record<string, string>> }[],
  { before = ":", after = ":", programs = {} }: Sandbox,
) {
  const folder = mkdtempSync(join(tmpdir(), "host-sandbox-"));
  try {
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(folder, name), `#!/bin/bash\n${text}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const scripts = installScripts(join(folder, "scripts"));
    const file = (round: number) => join(folder, `script-${round}`);
    for (const [round, { variables }] of rounds.entries()) {
      writeFileSync(file(round), hostScript({ apply: [script], remove: [script] }, variables, scripts));
    }
    const lines = [
      "set -e",
      // /run first: what is changed in /etc lies in there.
      "mount -t tmpfs own /run && mkdir /run/etc /run/work",
      "mount -t overlay own -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work /etc",
      `for own in ${ownFolders.join(" ")}; do mkdir -p $own && mount -t tmpfs own $own; done`,
      "mount -t sysfs own /sys",
      `export PATH=${folder}:$PATH`,
      before,
      ...rounds.map(({ action = "apply" }, round) => `ACTION=${action} bash ${file(round)}`),
      after,
    ];
    const { status, stdout, stderr } = spawnSync("unshare", [...unshare, "bash", "-c", lines.join("\n")], {
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
