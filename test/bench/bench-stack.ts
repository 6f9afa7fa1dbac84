import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { parseDocument } from "yaml";
import type { Fleet } from "../../fleet/fleet.ts";
import type { LocalOverlay } from "../../fleet/overlay.ts";
import type { Conditions } from "../../migration/context/migration-request.ts";
import type { MigrationOptions } from "../../moves/options.ts";
import { type MigrationOutputs, requestOf } from "../../provider/migration-resource.ts";
import { project, pulumi, stateOf } from "./pulumi.ts";

/** Where the benchmark's own lab is, so that it can be measured beside another one. */
const lab = { network: "10.77.30.0/24", bridge: "lab30" };

const configFile = (stack: string): string => join(project, "stacks", `Pulumi.${stack}.yaml`);

/** Whether there is a config file of that name: if not, the stack is the benchmark's to make and to remove. */
export const isConfigured = (stack: string): boolean => existsSync(configFile(stack));

/** Makes a stack like the one that `npm run lab` brings up, on a network of its own. */
export async function makeStack(stack: string): Promise<void> {
  const document = parseDocument(await readFile(configFile("lab"), "utf8"));
  document.setIn(["config", "testbed:lab"], lab);
  await writeFile(configFile(stack), document.toString());
  await pulumi(["stack", "select", "--create", stack]);
}

/** Two guests more than the lab has, for moves of several at once. */
export async function addGuests(stack: string): Promise<void> {
  const document = parseDocument(await readFile(configFile(stack), "utf8"));
  for (const name of ["vm3", "vm4"]) {
    if (document.hasIn(["config", "testbed:placement", name])) continue;
    document.addIn(["config", "testbed:guests"], { name, memoryMiB: 512, diskGiB: 4 });
    document.setIn(["config", "testbed:placement", name], "host1");
  }
  await writeFile(configFile(stack), document.toString());
}

/** Sets a ceiling to the transfers of the stack's moves, both through Pulumi and by hand; undefined: none. */
export async function limitBandwidth(stack: string, bandwidthMiBps: number | undefined): Promise<void> {
  const key = ["--stack", stack, "--path", "testbed:migration.bandwidthMiBps"];
  if (bandwidthMiBps === undefined) await pulumi(["config", "rm", ...key]);
  else await pulumi(["config", "set", ...key, String(bandwidthMiBps)]);
}

/** What is made once and kept in the cache: the hosts' base and the guests' image. */
export async function fillCaches(): Promise<void> {
  const cache = join(
    process.env.XDG_CACHE_HOME ?? join(process.env.HOME ?? "/root", ".cache"),
    "kvm-migration-testbed",
  );
  const options = { cwd: project, stdout: "ignore", stderr: "inherit" } as const;
  await execa("bash", ["lab/base.sh"], {
    ...options,
    env: { TESTBED_CACHE: process.env.TESTBED_CACHE ?? cache },
  });
  await execa("node", ["images/cli.ts", "auto"], options);
}

export async function removeStack(stack: string): Promise<void> {
  await pulumi(["destroy", "--stack", stack, "--yes", "--skip-preview"]);
  await pulumi(["stack", "rm", stack, "--yes"]);
}

/** A guest that can be moved back and forth, as the stack's state has it. */
export interface Subject {
  stack: string;
  guest: string;
  uuid: string;
  host: string;
  /** The host to move to and fro. */
  other: string;
  options: MigrationOptions;
  fleet: Fleet;
  conditions: Conditions;
  address?: string;
  /** Undefined: its overlay is on shared storage. */
  localOverlay: LocalOverlay | undefined;
}

/** The stack's first guest, by name. Throws when it would not move live, or to nowhere. */
export async function subjectOf(stack: string): Promise<Subject> {
  const state = await stateOf(stack);
  const migrations = state.filter(({ type }) => type.endsWith("testbed:Migration"));
  const cluster = state.find(({ type }) => type.endsWith("testbed:Cluster"))?.outputs?.common as
    | Fleet
    | undefined;
  const [migration] = migrations.sort((a, b) => a.urn.localeCompare(b.urn));
  if (!migration?.outputs || !cluster)
    throw new Error(`stack ${stack} has no guest to move; bring it up first`);
  const { host, ...inputs } = migration.outputs as unknown as MigrationOutputs;
  const { guest, uuid, options, conditions, address, localOverlay } = requestOf(inputs);
  const fleet: Fleet = { hosts: cluster.hosts, storage: cluster.storage };
  if (options.mode !== "live") {
    throw new Error(
      `guest ${guest} of stack ${stack} moves ${options.mode}; live moves are compared (testbed:migration.mode)`,
    );
  }
  const other = Object.keys(fleet.hosts).find((name) => name !== host);
  if (!other) throw new Error(`stack ${stack} has no second host to move ${guest} to`);
  return {
    ...{ stack, guest, uuid, host, other, options: { ...options, mode: "live" }, fleet, conditions },
    ...(address && { address }),
    localOverlay,
  };
}
