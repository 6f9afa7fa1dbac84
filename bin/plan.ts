import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { balance } from "../placement/balance.ts";
import type { Cluster } from "../placement/cluster.ts";
import { consolidate } from "../placement/consolidate.ts";
import { evacuate } from "../placement/evacuate.ts";
import type { PolicySettings } from "../placement/settings.ts";
import { runCommand, say } from "../report/text/command.ts";
import { clusterFrom } from "./plan-data.ts";
import { planText } from "./plan-text.ts";

const policies = { balance, consolidate, evacuate };
type PolicyName = keyof typeof policies;

const help = `npm run plan -- --data FILE [options]      what a policy would move, and what that gains; nothing is asked or moved

  --data FILE       a cluster as JSON; - is standard input
  --policy NAME     balance      evens out memory, vCPUs and load with few and cheap moves (default)
                    consolidate  empties hosts, as long as the others hold all guests
                    evacuate     finds another host for each guest of a drained one, and moves no other
  --drain A,B       hosts that are to be left, besides those that the file says are drained
  --spare           one host may have to be lost (N+1), whatever the file says
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
  const { values } = parseArgs({
    options: {
      data: { type: "string" },
      policy: { type: "string", default: "balance" },
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
  const name = values.policy;
  if (!isPolicy(name))
    mistakes.push(`--policy: there is no policy ${name}; policies are ${Object.keys(policies).join(", ")}`);
  if (values.data === undefined)
    mistakes.push("--data: say the file with the cluster, or - for standard input");
  const maxMoves = wholeNumber("--max-moves", values["max-moves"], mistakes);
  const maxGib = wholeNumber("--max-gib", values["max-gib"], mistakes);
  if (name !== "balance" && (maxMoves ?? maxGib) !== undefined)
    mistakes.push("--max-moves and --max-gib are for the policy balance");
  let cluster: Cluster | undefined;
  try {
    cluster = values.data === undefined ? undefined : await read(values.data);
  } catch (error) {
    mistakes.push((error as Error).message);
  }
  const drained = values.drain.split(",").filter(Boolean);
  for (const host of drained)
    if (cluster && !cluster.hosts.some((one) => one.name === host))
      mistakes.push(`--drain: there is no host ${host}`);
  if (cluster === undefined || !isPolicy(name) || mistakes.length > 0) throw new Error(mistakes.join("\n"));

  const settings: Partial<PolicySettings> = {
    maxMoves,
    maxMiB: maxGib === undefined ? undefined : maxGib * 1024,
  };
  const asked: Cluster = {
    ...cluster,
    hosts: cluster.hosts.map((host) => ({
      ...host,
      isDrained: host.isDrained || drained.includes(host.name),
    })),
    spare: values.spare ? 1 : cluster.spare,
  };
  const answer = policies[name](settings)(asked);
  if (!answer.isFeasible) process.exitCode = 1;
  say(values.json ? JSON.stringify(answer, null, 2) : planText(name, asked, answer));
}

const isPolicy = (name: string): name is PolicyName => Object.hasOwn(policies, name);

async function read(file: string): Promise<Cluster> {
  return file === "-"
    ? clusterFrom(await text(process.stdin), "standard input")
    : clusterFrom(await readFile(file, "utf8"), file);
}

function wholeNumber(option: string, value: string | undefined, mistakes: string[]): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) mistakes.push(`${option} takes a whole number, not "${value}"`);
  return Number(value);
}

await runCommand(main);
