import { readFile } from "node:fs/promises";
import { runLineSchema } from "../report/experiment-run.ts";
import { type MigrationRecord, recordSchema } from "../report/record.ts";

/** A move of a results file. */
export interface Move {
  record: MigrationRecord;
  /** What an experiment measures is; its warm-up, and moves that an interruption disturbed, are not. */
  isScored: boolean;
  isOfExperiment: boolean;
}

/** An experiment's run and its stack's file have the same moves; the run's lines say more of them. */
export function eachOnce(moves: readonly Move[]): Move[] {
  const byStart = Map.groupBy(moves, ({ record }) => `${record.uuid} ${record.startedAt}`);
  return [...byStart.values()].map(
    (same) => same.find(({ isOfExperiment }) => isOfExperiment) ?? (same[0] as Move),
  );
}

/**
 * The moves of a stack's results file, or of an experiment's run.
 *
 * @param say told of each line that is passed over
 */
export async function movesIn(file: string, say: (line: string) => void): Promise<Move[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
  return lines.flatMap((text, index): Move[] => {
    const value = json(text);
    const line = runLineSchema.safeParse(value);
    if (line.success) {
      if (line.data.kind !== "move") return [];
      const { record, isWarmUp, isInterrupted } = line.data;
      return [{ record, isScored: !isWarmUp && !isInterrupted, isOfExperiment: true }];
    }
    const record = recordSchema.safeParse(value);
    if (record.success) return [{ record: record.data, isScored: true, isOfExperiment: false }];
    say(`${file}:${index + 1} is passed over: it is no record of a move`);
    return [];
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
