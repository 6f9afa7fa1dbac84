import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { balance } from "../placement/balance.ts";
import type { Cluster } from "../placement/cluster.ts";
import { consolidate } from "../placement/consolidate.ts";
import { evacuate } from "../placement/evacuate.ts";
import type { Impossible, Proposal } from "../placement/policy.ts";
import { proposalText } from "../placement/proposal-text.ts";
import type { PolicySettings } from "../placement/settings.ts";
import { runCommand, say } from "../report/text/command.ts";
import { clusterFrom } from "./plan-data.ts";

const planners = { balance, consolidate, evacuate };
/** How a stack's policies are called here. */
const kinds = { balance: "balance", consolidate: "consolidate", evacuate: "pinned" } as const;
type PolicyName = keyof typeof planners;

const help = `npm run plan -- STACK [options]            what a stack's policy would move now, and what that gains; nothing is moved
npm run plan -- --data FILE [options]      the same for any cluster; nothing is asked either

  --data FILE       a cluster as JSON; - is standard input
  --policy NAME     balance      evens out memory, vCPUs and load with few and cheap moves
                    consolidate  empties hosts, as long as the others hold all guests
                    evacuate     finds another host for each guest of a drained one, and moves no other
                    default: the stack's own; balance for a file. Where a stack has none, its placements do not
                    bind the one that is tried.
  --drain A,B       hosts that are to be left, besides those that the stack or the file says are drained
  --spare           one host may have to be lost (N+1), whatever is said
  --max-moves N     of balance: at most so many moves
  --max-gib N       of balance: moves of guests with at most so much memory in all
  --json            the whole answer as JSON
  --help

The exit code is 1 if the input has mistakes, and if the cluster cannot be as it must.

The least that a file can say, and all that it may:

  {"hosts": [{"name": "host1", "memoryMiB": 65536}, {"name": "host2", "memoryMiB": 65536}],
   "guests": [{"name": "vm1", "host": "host1", "memoryMiB": 4096}]}

  hosts   name, memoryMiB, reserveMiB (of the host itself; default 512), cpus, reserveVcpus, busyCpus (of the host
          itself; default 0), isDrained, idleWatts
  guests  name, host, memoryMiB, vcpus, busyCpus (CPUs kept busy on average), isPinned,
          move: {totalMs, downtimeMs, converges} as predicted
  rules   name, isFirm, guests, kind: apart, together, or on with hosts
  spare   0, or 1: one host may have to be lost

What the policies do: docs/placement.md.`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: "string" },
      policy: { type: "string" },
      drain: { type: "string", default: "" },
      spare: { type: "boolean", default: false },
      "max-moves": { type: "string" },
      "max-gib": { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return say(help);
  const mistakes: string[] = [];
  const { policy: name, data } = values;
  const [stack, ...more] = positionals;
  if (name !== undefined && !isPolicy(name))
    mistakes.push(`--policy: there is no policy ${name}; policies are ${Object.keys(planners).join(", ")}`);
  if ((data === undefined) === (stack === undefined) || more.length > 0)
    mistakes.push("say one stack, or --data with a file (- for standard input)");
  const maxMoves = wholeNumber("--max-moves", values["max-moves"], mistakes);
  const maxGib = wholeNumber("--max-gib", values["max-gib"], mistakes);
  if (name !== undefined && name !== "balance" && (maxMoves ?? maxGib) !== undefined)
    mistakes.push("--max-moves and --max-gib are for the policy balance");
  const asked: Asked = {
    ...(name !== undefined && isPolicy(name) && { policy: name }),
    drain: values.drain.split(",").filter(Boolean),
    spare: values.spare,
    settings: {
      ...(maxMoves !== undefined && { maxMoves }),
      ...(maxGib !== undefined && { maxMiB: maxGib * 1024 }),
    },
  };
  const planned =
    data === undefined ? await planOf(stack ?? "", asked, mistakes) : await planOfFile(data, asked, mistakes);
  if (!planned.answer.isFeasible) process.exitCode = 1;
  const { policy, cluster, answer, perHost } = planned;
  say(values.json ? JSON.stringify(answer, null, 2) : proposalText(policy, cluster, answer, perHost));
}

interface Asked {
  policy?: PolicyName;
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

/** @param mistakes of the arguments: all are told at once, with those that only show now */
async function planOfFile(
  file: string,
  { policy = "balance", drain, spare, settings }: Asked,
  mistakes: readonly string[],
): Promise<Planned> {
  const read = await textOf(file)
    .then((source) => clusterFrom(...source))
    .catch((error: Error) => error);
  const unread = read instanceof Error ? [read.message] : notThere(drain, read.hosts);
  if (read instanceof Error || mistakes.length + unread.length > 0)
    throw new Error([...mistakes, ...unread].join("\n"));
  const cluster: Cluster = {
    ...read,
    hosts: read.hosts.map((host) => ({ ...host, isDrained: host.isDrained || drain.includes(host.name) })),
    spare: spare ? 1 : read.spare,
  };
  return { policy, cluster, answer: planners[policy](settings)(cluster) };
}

async function planOf(
  stack: string,
  { policy, ...asked }: Asked,
  mistakes: readonly string[],
): Promise<Planned> {
  if (mistakes.length > 0) throw new Error(mistakes.join("\n"));
  // What asks hosts is loaded where that is wanted.
  const { lookAtStack, planOfStack } = await import("./plan-stack.ts");
  const what = { ...asked, ...(policy && { kind: kinds[policy] }) };
  const { inputs, outcome, unseen } = await planOfStack(await lookAtStack(stack), what);
  const unknown = notThere(asked.drain, inputs.cluster.hosts);
  if (unknown.length > 0) throw new Error(unknown.join("\n"));
  if (unseen) process.stderr.write(`Guests are taken to be where they were last seen: ${unseen}\n`);
  return { policy: policy ?? inputs.kind, cluster: inputs.cluster, answer: outcome, perHost: inputs.perHost };
}

const notThere = (names: readonly string[], hosts: readonly { name: string }[]): string[] =>
  names
    .filter((name) => hosts.every((host) => host.name !== name))
    .map((name) => `--drain: there is no host ${name}`);

/** With the name that errors give it. */
const textOf = async (file: string): Promise<[text: string, file: string]> =>
  file === "-" ? [await text(process.stdin), "standard input"] : [await readFile(file, "utf8"), file];

const isPolicy = (name: string): name is PolicyName => Object.hasOwn(planners, name);

function wholeNumber(option: string, value: string | undefined, mistakes: string[]): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) mistakes.push(`${option} takes a whole number, not "${value}"`);
  return Number(value);
}

await runCommand(main);
