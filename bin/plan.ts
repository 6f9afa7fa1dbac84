import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Option } from "commander";
import { type PolicyKind, policies, policyKinds } from "../placement/policies/policies.ts";
import { proposalText } from "../placement/proposal-text.ts";
import type { Cluster } from "../placement/terms/cluster.ts";
import type { Impossible, Proposal } from "../placement/terms/policy.ts";
import type { PolicySettings } from "../placement/terms/settings.ts";
import { commaList, command, runCommand, say, UsageError, wholeNumber } from "../report/text/command.ts";
import { clusterFrom } from "./plan-data.ts";

/** How a stack's policies are called here. */
const nameOf = (kind: PolicyKind): string => policies[kind].command ?? kind;
const kinds = new Map(policyKinds.toSorted().map((kind) => [nameOf(kind), kind]));
const withLimits = [...kinds].flatMap(([name, kind]) => (policies[kind].hasMoveLimits ? [name] : []));

const program = command(
  "npm run plan --",
  "STACK [options]\n--data FILE [options]",
  "What a stack's policy would move now, and what that gains; or the same for any cluster. Nothing is moved.",
)
  .argument("[stack]")
  .option("--data <file>", "a cluster as JSON instead of a stack; - is standard input")
  .addOption(
    new Option(
      "--policy <name>",
      `${[...kinds].map(([name, kind]) => `${name}: ${policies[kind].does}`).join("; ")} (default: the stack's own, and balance for a file; ` +
        "where a stack has none, its placements do not bind the one that is tried)",
    ).choices([...kinds.keys()]),
  )
  .option(
    "--drain <hosts>",
    "hosts that are to be left (A,B), besides those that the stack or the file says are drained",
    commaList,
  )
  .option("--spare", "one host may have to be lost (N+1), whatever is said")
  .option("--max-moves <n>", `of ${withLimits.join(", ")}: at most so many moves`, wholeNumber())
  .option(
    "--max-gib <n>",
    `of ${withLimits.join(", ")}: moves of guests with at most so much memory in all`,
    wholeNumber(),
  )
  .option("--json", "the whole answer as JSON")
  .addHelpText(
    "after",
    `
The exit code is 1 if the cluster cannot be as it must, and if the file has mistakes; 2 if the command has.

The least that a file can say, and all that it may:

  {"hosts": [{"name": "host1", "memoryMiB": 65536}, {"name": "host2", "memoryMiB": 65536}],
   "guests": [{"name": "vm1", "host": "host1", "memoryMiB": 4096}]}

  hosts   name, memoryMiB, reserveMiB (of the host itself; default 512), cpus, reserveVcpus, busyCpus (of the host
          itself; default 0), isDrained, idleWatts
  guests  name, host, memoryMiB, vcpus, busyCpus (CPUs kept busy on average), isPinned,
          move: {totalMs, downtimeMs, converges} as predicted
  rules   name, isFirm, guests, kind: apart, together, or on with hosts
  spare   0, or 1: one host may have to be lost

What the policies do: docs/placement.md.`,
  )
  .action(plan);

interface Values {
  data?: string;
  policy?: string;
  drain?: readonly string[];
  spare?: boolean;
  maxMoves?: number;
  maxGib?: number;
  json?: boolean;
}

async function plan(stack: string | undefined, values: Values): Promise<void> {
  const { policy: name, data, maxMoves, maxGib, drain = [] } = values;
  if ((data === undefined) === (stack === undefined))
    throw new UsageError("Say one stack, or --data with a file (- for standard input).");
  const kind = name === undefined ? undefined : kinds.get(name);
  if (kind !== undefined && !policies[kind].hasMoveLimits && (maxMoves ?? maxGib) !== undefined)
    throw new UsageError(`--max-moves and --max-gib are for the policy ${withLimits.join(", ")}.`);
  const asked: Asked = {
    ...(kind !== undefined && { kind }),
    drain,
    spare: values.spare === true,
    settings: {
      ...(maxMoves !== undefined && { maxMoves }),
      ...(maxGib !== undefined && { maxMiB: maxGib * 1024 }),
    },
  };
  const planned = data === undefined ? await planOf(stack ?? "", asked) : await planOfFile(data, asked);
  if (!planned.answer.isFeasible) process.exitCode = 1;
  const { policy, cluster, answer, perHost } = planned;
  say(values.json ? JSON.stringify(answer, null, 2) : proposalText(policy, cluster, answer, perHost));
}

interface Asked {
  kind?: PolicyKind;
  drain: readonly string[];
  spare: boolean;
  settings: Partial<PolicySettings>;
}

interface Planned {
  policy: string;
  cluster: Cluster;
  answer: Proposal | Impossible;
  /** How many moves a host takes part in at a time. Absent: as many as one likes. */
  perHost?: number;
}

async function planOfFile(
  file: string,
  { kind = "balance", drain, spare, settings }: Asked,
): Promise<Planned> {
  const read = await textOf(file)
    .then((source) => clusterFrom(...source))
    .catch((error: Error) => error);
  const unread = read instanceof Error ? [read.message] : notThere(drain, read.hosts);
  if (read instanceof Error || unread.length > 0) throw new Error(unread.join("\n"));
  const cluster: Cluster = {
    ...read,
    hosts: read.hosts.map((host) => ({ ...host, isDrained: host.isDrained || drain.includes(host.name) })),
    spare: spare ? 1 : read.spare,
  };
  return { policy: nameOf(kind), cluster, answer: policies[kind].planner(settings)(cluster) };
}

async function planOf(stack: string, asked: Asked): Promise<Planned> {
  // What asks hosts is loaded where that is wanted.
  const { lookAtStack, planOfStack } = await import("./plan-stack.ts");
  const { inputs, outcome, unseen } = await planOfStack(await lookAtStack(stack), asked);
  const unknown = notThere(asked.drain, inputs.cluster.hosts);
  if (unknown.length > 0) throw new Error(unknown.join("\n"));
  if (unseen) process.stderr.write(`Guests are taken to be where they were last seen: ${unseen}\n`);
  const policy = asked.kind === undefined ? inputs.kind : nameOf(asked.kind);
  return { policy, cluster: inputs.cluster, answer: outcome, perHost: inputs.perHost };
}

const notThere = (names: readonly string[], hosts: readonly { name: string }[]): string[] =>
  names
    .filter((name) => hosts.every((host) => host.name !== name))
    .map((name) => `--drain: there is no host ${name}`);

/** With the name that errors give it. */
const textOf = async (file: string): Promise<[text: string, file: string]> =>
  file === "-" ? [await text(process.stdin), "standard input"] : [await readFile(file, "utf8"), file];

await runCommand(program);
