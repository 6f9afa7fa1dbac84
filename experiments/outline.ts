import Table from "cli-table3";
import { type Asked, turnsOf } from "./choose-run.ts";
import { ownSize } from "./experiment.ts";

/** What would be done, and in which order. */
export function outline(asked: Asked, seed: number): string {
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
  return `${experiment.title}${size === ownSize ? "" : ` (size ${size})`}

${experiment.guests.length} ${experiment.guests.length === 1 ? "guest" : "guests"} with ${memoryMiB} MiB of memory in all, ${cells.length} cells with ${experiment.repeats} repeats each: ${turns.length} turns, ${measured} of them measured.
Seed ${seed}.

${table.toString()}`;
}
