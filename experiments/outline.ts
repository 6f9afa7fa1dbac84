import Table from "cli-table3";
import { type RunArguments, turnsOf } from "./choose-run.ts";
import { expectedTime } from "./expected-time.ts";
import { ownSize } from "./experiment.ts";
import type { Run } from "./run-file.ts";
import { inWords } from "./time-left.ts";

const origin = {
  measured: "as the turns of the latest run took",
  reckoned: "reckoned from what a machine with two cores and emulated guests needs: there is no run yet",
} as const;

/**
 * What would be done: the cells, in which order their moves are made, and how long that takes.
 *
 * @param earlier a run of the same experiment
 */
export function outline(asked: RunArguments, seed: number, earlier?: Run): string {
  const { experiment, size } = asked;
  const { cells, turns } = turnsOf(asked, seed);
  const measured = turns.filter(({ isWarmUp }) => !isWarmUp).length;
  const memoryMiB = experiment.guests.reduce((sum, guest) => sum + guest.memoryMiB, 0);
  const table = new Table({
    head: ["block", "turns, in their order"],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [9, 100],
  });
  for (const [block, own] of Map.groupBy(turns, (turn) => (turn.isWarmUp ? "warm-up" : String(turn.block)))) {
    table.push([block, own.map(({ cell }) => cell).join(", ")]);
  }
  const expected = expectedTime(experiment, cells, turns, earlier?.lines ?? []);
  return `${experiment.title}${size === ownSize ? "" : ` (size ${size})`}

${experiment.guests.length} ${experiment.guests.length === 1 ? "guest" : "guests"} with ${memoryMiB} MiB of memory in all, ${cells.length} cells with ${experiment.repeats} repeats each: ${turns.length} turns, ${measured} of them measured.
Seed ${seed}. About ${inWords(expected.ms)} in all, with bringing the testbed up (${origin[expected.from]}).

${table.toString()}`;
}
