import type { Claim } from "../../../../report/claims/claim.ts";
import type { Dataset, Move } from "../../../../report/data/dataset.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

/** Studies that nobody made, of which the truth is known: datasets as a results file would give, without the detour. */

export interface Guest {
  name: string;
  memoryMiB: number;
  workingSetMiB: number;
  mibPerSecond: number;
}

export interface Cell {
  guest: Guest;
  mode: "live" | "offline";
  maxDowntimeMs?: number;
}

/** Of a move: what is claimed about. */
export interface Course {
  totalMs: number;
  downtimeMs: number;
  /** Offline: copy over the longer of suspend and resume. */
  copyTimes?: number;
}

export function studyOf(
  cells: readonly Cell[],
  repeats: number,
  courseOf: (cell: Cell, block: number) => Course,
): Dataset {
  const moves: Move[] = [];
  for (let block = 1; block <= repeats; block++) {
    for (const [place, cell] of cells.entries()) {
      const { guest, mode, maxDowntimeMs = 300 } = cell;
      const { totalMs, downtimeMs, copyTimes = 2 } = courseOf(cell, block);
      const other = totalMs / (2 + copyTimes);
      const settings = { mibPerSecond: guest.mibPerSecond, workingSetMiB: guest.workingSetMiB };
      const common = {
        guest: guest.name,
        memoryMiB: guest.memoryMiB,
        workload: { type: "memory", ...settings },
        options: { maxDowntimeMs },
        totalMs,
        downtimeMs,
        startedAt: new Date(Date.UTC(2026, 0, 1) + moves.length * 60_000).toISOString(),
      };
      moves.push({
        number: moves.length + 1,
        file: "study.jsonl",
        line: moves.length + 2,
        block,
        cell: { id: `${guest.name}/${mode}/${maxDowntimeMs}`, factors: {}, place },
        faults: [],
        record:
          mode === "offline"
            ? offlineRecord({
                ...common,
                phases: [
                  { name: "suspend", startMs: 0, endMs: other },
                  { name: "copy", startMs: other, endMs: other * (1 + copyTimes) },
                  { name: "resume", startMs: other * (1 + copyTimes), endMs: totalMs },
                ],
              })
            : liveRecord({
                ...common,
                passes: [
                  { pass: 1, transferredMiB: 0, remainingMiB: 300, atMs: 100 },
                  {
                    pass: 2,
                    transferredMiB: 100,
                    remainingMiB: 10,
                    atMs: 900,
                    dirtyPagesPerSecond: guest.mibPerSecond * 256,
                  },
                ],
              }),
      });
    }
  }
  return { sources: [], moves, failures: [], updates: [], problems: [] };
}

/** How often a claim gets each verdict. */
export function verdictsOf(claim: Claim, studies: number, study: () => Dataset) {
  const counts = { reproduced: 0, "not reproduced": 0, "can't tell": 0 };
  for (let index = 0; index < studies; index++) counts[claim.judge(study(), 1).verdict] += 1;
  return counts;
}

/** Standard normal, by Box and Muller. */
export const normalOf = (random: () => number) => (): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
