import type { MigrationRecord } from "../../moves/record.ts";
import type { Move } from "../data/dataset.ts";
import { workloadOf } from "../data/measures.ts";
import { visible } from "../text/visible.ts";

/** A column of all moves. */
interface RunColumn {
  name: string;
  kind: "text" | "figure";
  /** In the table of all moves, too, and not only in what is shown of one. */
  isShown: boolean;
  of: (move: Move) => string | number | undefined;
}

const shown = { isShown: true } as const;
const inDetail = { isShown: false } as const;
const ofRecord =
  (key: "totalMs" | "downtimeMs" | "clientDowntimeMs" | "guestDowntimeMs" | "transferredMiB" | "waitedMs") =>
  ({ record }: Move) =>
    record[key];

export const runColumns: readonly RunColumn[] = [
  { name: "move", kind: "figure", ...shown, of: ({ number }) => number },
  { name: "guest", kind: "text", ...shown, of: ({ record }) => record.guest },
  { name: "MiB", kind: "figure", ...shown, of: ({ record }) => record.memoryMiB },
  { name: "workload", kind: "text", ...shown, of: ({ record }) => workloadOf(record) },
  { name: "mode", kind: "text", ...shown, of: ({ record }) => record.mode },
  { name: "from → to", kind: "text", ...shown, of: ({ record }) => `${record.from} → ${record.to}` },
  { name: "outcome", kind: "text", ...shown, of: standing },
  { name: "total ms", kind: "figure", ...shown, of: ofRecord("totalMs") },
  { name: "downtime ms", kind: "figure", ...shown, of: ofRecord("downtimeMs") },
  { name: "client ms", kind: "figure", ...shown, of: ofRecord("clientDowntimeMs") },
  { name: "guest's clock ms", kind: "figure", ...shown, of: ofRecord("guestDowntimeMs") },
  { name: "QEMU's total ms", kind: "figure", ...inDetail, of: ({ record }) => record.hypervisorTotalMs },
  { name: "passes", kind: "figure", ...shown, of: ({ record }) => record.iterations },
  { name: "sent MiB", kind: "figure", ...shown, of: ofRecord("transferredMiB") },
  { name: "waited ms", kind: "figure", ...inDetail, of: ofRecord("waitedMs") },
  { name: "predicted total ms", kind: "figure", ...inDetail, of: ({ record }) => record.predicted?.totalMs },
  {
    name: "predicted downtime ms",
    kind: "figure",
    ...inDetail,
    of: ({ record }) => record.predicted?.downtimeMs,
  },
  { name: "cell", kind: "text", ...inDetail, of: ({ cell }) => cell?.id },
  {
    name: "began, UTC",
    kind: "text",
    ...shown,
    of: ({ record }) => record.startedAt.slice(0, 19).replace("T", " "),
  },
  { name: "phases, ms", kind: "text", ...inDetail, of: ({ record }) => phasesOf(record) },
  { name: "file", kind: "text", ...inDetail, of: ({ file, line }) => `${file}:${line}` },
];

/** What is shown of a move beside its mark, a row each: what it is, and its times. */
const tipRows: readonly { name: string; columns: readonly string[] }[] = [
  { name: "move", columns: ["move"] },
  { name: "guest", columns: ["guest", "MiB", "workload"] },
  { name: "mode", columns: ["mode", "from → to"] },
  { name: "total ms", columns: ["total ms"] },
  { name: "downtime ms", columns: ["downtime ms"] },
];

/** Whether it counts, beside what became of it. */
function standing({ record, faults, isWarmUp, isInterrupted }: Move): string {
  if (isWarmUp) return `${record.outcome}, warm-up`;
  if (isInterrupted) return `${record.outcome}, interrupted`;
  return faults.length > 0 ? `${record.outcome}, does not add up` : record.outcome;
}

const phasesOf = ({ phases }: MigrationRecord): string | undefined =>
  phases.length === 0
    ? undefined
    : phases.map(({ name, startMs, endMs }) => `${name} ${Math.round(endMs - startMs)}`).join(", ");

/** All moves for the page's script. Words that come again and again stand once, and are named by their place: ten thousand moves stay small. */
export interface EmbeddedRuns {
  columns: { name: string; kind: "text" | "figure"; isShown: boolean }[];
  /** Each with the places of its columns. */
  tip: { name: string; columns: number[] }[];
  words: string[];
  /** Figures, and of texts their place among the words; null: absent. */
  rows: (number | null)[][];
}

export function embeddedRuns(moves: readonly Move[]): EmbeddedRuns {
  const places = new Map<string, number>();
  const placeOf = (word: string): number => {
    const known = places.get(word);
    if (known !== undefined) return known;
    places.set(word, places.size);
    return places.size - 1;
  };
  const rows = moves.map((move) =>
    runColumns.map(({ of }) => {
      const value = of(move);
      if (value === undefined) return null;
      return typeof value === "string" ? placeOf(visible(value)) : Math.round(value * 10) / 10;
    }),
  );
  return {
    columns: runColumns.map(({ name, kind, isShown }) => ({ name, kind, isShown })),
    tip: tipRows.map(({ name, columns }) => ({
      name,
      columns: columns.map((column) => runColumns.findIndex((one) => one.name === column)),
    })),
    words: [...places.keys()],
    rows,
  };
}
