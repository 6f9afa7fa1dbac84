import { InvalidArgumentError } from "commander";
import { command, runCommand, UsageError, wholeNumber } from "../../report/text/command.ts";
import { setUp } from "../../report/text/set-up.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import {
  addGuests,
  fillCaches,
  isConfigured,
  limitBandwidth,
  makeStack,
  removeStack,
  subjectOf,
} from "./bench-stack.ts";
import { measureCost } from "./cost.ts";
import { measureUp } from "./lab-cycle.ts";
import { loadNow, machine, versions } from "./machine.ts";
import { measureMemory } from "./memory.ts";
import { measureMoveCommand } from "./move-command.ts";
import { measureMoves } from "./moves.ts";
import { measureNoChange } from "./no-change.ts";
import { measurePlanner } from "./planner.ts";
import { measureProber } from "./prober.ts";
import { pulumi } from "./pulumi.ts";
import { type BenchResults, writeResults } from "./results.ts";
import { measureSampling } from "./sampling.ts";
import { defaultSizes, measureScale, type Size } from "./scale.ts";
import { measureSeveral } from "./several.ts";
import { tables } from "./tables.ts";

const parts = [
  "lab",
  "no-change",
  "cost",
  "moves",
  "command",
  "prober",
  "sampling",
  "several",
  "memory",
  "planner",
  "scale",
] as const;
type Part = (typeof parts)[number];

const sizesText = defaultSizes.map(({ hosts, guests }) => `${hosts}/${guests}`).join();

const program = command(
  "npm run bench --",
  "[options]",
  "What the testbed costs, measured against the tools it stands on.",
)
  .option("--only <parts>", "these parts alone (A,B) (default: all but scale)", partsOf)
  .option("--pairs <n>", "pairs of moves", wholeNumber(1), 10)
  .option(
    "--bandwidth <mibps>",
    "ceiling of both transfers, or none (for the stack bench); gigabit Ethernet has some 100",
    bandwidthOf,
    100,
  )
  .option("--rounds <n>", "rounds of several guests", wholeNumber(1), 5)
  .option("--unchanged-pairs <n>", "pairs of updates without a change", wholeNumber(1), 5)
  .option(
    "--clusters <n>",
    "small clusters of the part planner, and a fifth as many larger ones",
    wholeNumber(1),
    100,
  )
  .option("--sizes <sizes>", `hosts and guests of the part scale (default: ${sizesText})`, sizesOf)
  .option(
    "--stack <stack>",
    "a stack of your own, up and with a guest that moves live; it stays (without the part lab); bench is a lab like stacks/Pulumi.lab.yaml " +
      "on a network of its own, made and removed",
    "bench",
  )
  .option("--keep", "leave the stack bench up for a next run")
  .addHelpText(
    "after",
    `
Parts:
  lab         from cached base and image until every guest can be logged in to, and what that time goes to
  no-change   pulumi up with nothing changed, against pulumi up of an empty TypeScript stack
  cost        what an update takes and starts: CPU time, memory, processes of ssh, scripts on hosts
  moves       live moves through pulumi up, against the same moves with plain virsh migrate
  command     npm run move, less the move itself, against one phase of an empty stack
  prober      live moves with the prober that sees them as a client does, against the same without
  sampling    live moves whose hosts are looked at all the time, against the same without
  several     all guests of the stack (of the stack bench: four) at once, two at a time, one after the other
  memory      peak memory of Pulumi and its processes during a move
  planner     plans for clusters made up by chance, against Ganeti's hbal (Debian: ganeti-htools), if it is installed; needs no lab
  scale       what updates cost with more and more hosts and guests, in labs of their own; some ten minutes

Results, with every sample: results/bench-<date>.json. How it is measured: docs/benchmarks.md.`,
  )
  .action(bench);

const startedMs = performance.now();
const say = (line: string): void => {
  const clock = ((performance.now() - startedMs) / 1000).toFixed(0).padStart(5);
  console.log(`${clock} s  load ${loadNow().toFixed(1)}  ${line}`);
};
const s = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

interface Values {
  only?: ReadonlySet<Part>;
  pairs: number;
  /** Absent: none. */
  bandwidth: number | undefined;
  rounds: number;
  unchangedPairs: number;
  clusters: number;
  sizes?: readonly Size[];
  stack: string;
  keep?: true;
}

async function bench(values: Values): Promise<void> {
  const chosen = values.only ?? new Set(parts.filter((part) => part !== "scale"));
  const options = optionsFor(chosen, values);
  setUp();
  const isOnStack = [...chosen].some((part) => part !== "planner" && part !== "scale");
  const results: BenchResults = {
    schema: 1,
    startedAt: new Date().toISOString(),
    machine: machine(),
    versions: await versions({ withPulumi: isOnStack }),
  };
  const keep = async (more: Partial<BenchResults>) => writeResults(Object.assign(results, more));
  if (chosen.has("planner")) {
    await measurePlanner(options.clusters, async (planner, line) => {
      await keep({ planner });
      say(`planner ${line}`);
    });
  }
  if (chosen.has("scale")) {
    const scale: NonNullable<BenchResults["scale"]> = [];
    say("the hosts' base, unless cached");
    await fillCaches();
    await measureScale(options.sizes, say, async (sample) => {
      scale.push(sample);
      await keep({ scale });
    });
  }
  if (isOnStack) await benchStack(chosen, options, results, keep);
  const file = await writeResults(results);
  console.log(`\n${tables(results)}\n\nEvery sample: ${file}`);
}

/** All that was said, checked before anything is touched. */
function optionsFor(
  chosen: ReadonlySet<Part>,
  { stack, sizes = defaultSizes, unchangedPairs, bandwidth, ...options }: Values,
) {
  const isOurs = stack === "bench";
  if (!isOurs && !isConfigured(stack)) throw new UsageError(`There is no stacks/Pulumi.${stack}.yaml.`);
  if (!isOurs && chosen.has("lab")) {
    throw new UsageError(
      `The part lab destroys its stack, so it is for the stack bench alone; say --only ${parts.slice(1).join()}.`,
    );
  }
  return { ...options, stack, isOurs, sizes, noChangePairs: unchangedPairs, bandwidthMiBps: bandwidth };
}

async function benchStack(
  chosen: ReadonlySet<Part>,
  { stack, isOurs, keep: stays, pairs, rounds, noChangePairs, bandwidthMiBps }: ReturnType<typeof optionsFor>,
  results: BenchResults,
  keep: (more: Partial<BenchResults>) => Promise<string>,
): Promise<void> {
  if (isOurs) {
    if (isConfigured(stack) && chosen.has("lab")) {
      say("removing what an earlier run left");
      await removeStack(stack);
    }
    say("the hosts' base and the guests' image, unless cached");
    await fillCaches();
    if (!isConfigured(stack)) await makeStack(stack);
    await limitBandwidth(stack, bandwidthMiBps);
  }
  if (chosen.has("lab")) {
    say("lab: up");
    const sample = await measureUp(stack);
    say(`lab: guests reachable after ${s(sample.reachableMs)}`);
    await keep({ lab: [sample] });
  } else {
    say(`bringing stack ${stack} up`);
    await pulumi(["up", "--stack", stack, "--yes", "--skip-preview"]);
  }
  const { guest, fleet, options, conditions } = await subjectOf(stack);
  await keep({
    conditions: {
      stack,
      guest,
      hosts: Object.keys(fleet.hosts),
      options,
      conditions,
    } as unknown as BenchResults["conditions"],
  });

  if (chosen.has("no-change")) {
    const noChange: NonNullable<BenchResults["noChange"]> = [];
    await measureNoChange(stack, noChangePairs, async (sample) => {
      noChange.push(sample);
      await keep({ noChange });
      const { pair, testbedMs, emptyMs } = sample;
      say(`no-change ${pair} of ${noChangePairs}: testbed ${s(testbedMs)}, empty stack ${s(emptyMs)}`);
    });
  }
  if (chosen.has("cost")) {
    say("cost: unchanged, with a move, of an empty stack");
    await keep({ cost: await measureCost(stack) });
  }
  if (chosen.has("moves")) {
    const moves: NonNullable<BenchResults["moves"]> = [];
    await measureMoves(stack, pairs, async (sample) => {
      moves.push(sample);
      await keep({ moves });
      const { arm, pair, from, to, qemuTotalMs, qemuDowntimeMs, moveMs, wallMs } = sample;
      say(
        `moves ${pair} of ${pairs}: ${arm.padEnd(6)} ${from} → ${to}  QEMU ${s(qemuTotalMs)}, downtime ${qemuDowntimeMs.toFixed(0)} ms, ` +
          `move ${s(moveMs)}, wall ${s(wallMs)}`,
      );
    });
  }
  if (chosen.has("command")) {
    const samples: NonNullable<BenchResults["command"]> = [];
    await measureMoveCommand(stack, pairs, async (sample) => {
      samples.push(sample);
      await keep({ command: samples });
      const { pair, wallMs, engineMs, emptyMs } = sample;
      say(
        `command ${pair} of ${pairs}: npm run move ${s(wallMs)}, of it the move ${s(engineMs)}; an empty phase ${s(emptyMs)}`,
      );
    });
  }
  if (chosen.has("prober")) {
    const prober: NonNullable<BenchResults["prober"]> = [];
    await measureProber(stack, pairs, async (sample) => {
      prober.push(sample);
      await keep({ prober });
      const { arm, pair, record } = sample;
      const { from, to, totalMs, downtimeMs = 0, clientDowntimeMs, guestDowntimeMs } = record;
      const seen = [downtimeMs, clientDowntimeMs, guestDowntimeMs].map((ms) => ms?.toFixed(1) ?? "–");
      say(
        `prober ${pair} of ${pairs}: ${arm.padEnd(7)} ${from} → ${to}  total ${s(totalMs)}, downtimes ${seen.join(", ")} ms`,
      );
    });
  }
  if (chosen.has("sampling")) {
    const sampling: NonNullable<BenchResults["sampling"]> = [];
    await measureSampling(stack, pairs, async (sample) => {
      sampling.push(sample);
      await keep({ sampling });
      const { arm, pair, record } = sample;
      const { from, to, beforehandMs = 0, totalMs, downtimeMs = 0 } = record;
      say(
        `sampling ${pair} of ${pairs}: ${arm.padEnd(7)} ${from} → ${to}  before ${s(beforehandMs)}, total ${s(totalMs)}, downtime ${downtimeMs.toFixed(1)} ms`,
      );
    });
  }
  if (chosen.has("several")) {
    if (isOurs) {
      say("several: two more guests");
      await addGuests(stack);
      await pulumi(["up", "--stack", stack, "--yes", "--skip-preview"]);
    }
    const several: NonNullable<BenchResults["several"]> = [];
    await measureSeveral(stack, rounds, async (sample) => {
      several.push(sample);
      await keep({ several });
      const { round, perHost, from, to, elapsedMs, moves } = sample;
      say(
        `several ${round} of ${rounds}: ${moves.length} guests ${from} → ${to}, ${perHost} at a time: ${s(elapsedMs)}`,
      );
    });
  }
  if (chosen.has("memory")) {
    say("memory: moving there and back");
    await keep({ memory: await measureMemory(stack) });
  }
  if (isOurs && !stays) {
    say("taking the lab down");
    const destroyStartedMs = performance.now();
    await removeStack(stack);
    const [lab] = results.lab ?? [];
    if (lab) lab.destroyMs = performance.now() - destroyStartedMs;
  }
}

function partsOf(text: string): ReadonlySet<Part> {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !parts.includes(name as Part));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`There is no part ${unknown.join(", ")}; parts are ${parts.join(", ")}.`);
  return new Set(names as Part[]);
}

function bandwidthOf(text: string): number | undefined {
  return text === "none" ? undefined : wholeNumber(1)(text);
}

function sizesOf(text: string): Size[] {
  return text.split(",").map((one) => {
    const [, hosts, guests] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(one)?.map(Number) ?? [];
    if (!hosts || !guests || hosts < 2 || hosts > 89)
      throw new InvalidArgumentError("It takes sizes such as 5/50, of 2 to 89 hosts.");
    return { hosts, guests };
  });
}

await runCommand(program);
await closeSessions();
