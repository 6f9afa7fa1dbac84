import { mean } from "simple-statistics";
import type { Turn } from "./schedule.ts";

/** How long a turn took, all in all: bringing guests back, settling, the move. */
export interface TurnTime {
  cell: string;
  tookMs: number;
}

/**
 * How long the turns that are left will take: each as long as those of its cell did, or all turns where none of its cell was made yet.
 * Undefined: none was made at all.
 */
export function timeLeftMs(
  made: readonly TurnTime[],
  left: readonly Pick<Turn, "cell">[],
): number | undefined {
  if (made.length === 0) return undefined;
  const overall = mean(made.map(({ tookMs }) => tookMs));
  const byCell = new Map(
    [...Map.groupBy(made, ({ cell }) => cell)].map(([cell, some]) => [
      cell,
      mean(some.map(({ tookMs }) => tookMs)),
    ]),
  );
  return left.reduce((sum, { cell }) => sum + (byCell.get(cell) ?? overall), 0);
}

/** `12 s`, `4 min`, `2 h 05 min`. */
export function inWords(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}
