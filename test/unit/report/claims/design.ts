import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { cellsOf } from "../../../../experiments/cells.ts";
import { type Experiment, experimentSchema } from "../../../../experiments/experiment.ts";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { type Dataset, datasetOf } from "../../../../report/data/dataset.ts";
import { syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

export const shipped = async (name: string): Promise<Experiment> =>
  experimentSchema.parse(
    parse(
      await readFile(
        join(import.meta.dirname, "..", "..", "..", "..", "experiments", `${name}.yaml`),
        "utf8",
      ),
    ),
  );

type Guest = Experiment["guests"][number];

/** What a move of a made-up run takes; the rest of its record is sound. */
export interface Course {
  totalMs: number;
  /** Offline: of the total. Live: between its last pass and its end. */
  downtimeMs: number;
  dirtyMiBps?: number;
}

/** The results of an experiment's design, with moves that take what is said for each guest, mode and repeat. Nobody measured them. */
export function designed(
  experiment: Experiment,
  repeats: number,
  courseOf: (guest: Guest, options: Record<string, unknown>, repeat: number) => Course,
): Dataset {
  const { head } = syntheticRun(1);
  const cells = cellsOf(experiment).map(({ id, factors, guests, way }) => ({ id, factors, guests, way }));
  const guests = new Map(experiment.guests.map((guest) => [guest.name, guest]));
  let order = 0;
  const lines = Array.from({ length: repeats }, (_, index) => index + 1).flatMap((repeat) =>
    cells.flatMap(({ id, guests: [name = ""], way }) => {
      const guest = guests.get(name) as Guest;
      const { mode = "live", ...said } = way;
      if (mode !== "live" && mode !== "offline") return [];
      const { timeoutMs, maxDowntimeMs } = experiment.migration;
      const options = { ...(timeoutMs && { timeoutMs }), ...(maxDowntimeMs && { maxDowntimeMs }), ...said };
      const { type, ...settings } = guest.workload;
      order += 1;
      const record = timed(mode, courseOf(guest, { ...options, mode }, repeat), {
        guest: name,
        memoryMiB: guest.memoryMiB,
        startedAt: new Date(Date.UTC(2026, 0, 1) + order * 60_000).toISOString(),
        options,
        ...(type !== "idle" && { workload: { type, ...settings } as MigrationRecord["workload"] }),
      });
      return [
        { schema: 1, kind: "move", cell: id, repeat, block: repeat, order, loadBefore: {}, record } as const,
      ];
    }),
  );
  const own = { ...head, cells: cells.map(({ id, factors }) => ({ id, factors })), repeats };
  const text = [own, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
  return datasetOf([{ file: "designed.jsonl", text }]);
}

function timed(
  mode: "live" | "offline",
  { totalMs, downtimeMs, dirtyMiBps }: Course,
  changes: Partial<MigrationRecord>,
): MigrationRecord {
  if (mode === "offline") {
    const [suspended, copied] = [totalMs * 0.25, totalMs * 0.75];
    return offlineRecord({
      ...changes,
      totalMs,
      downtimeMs,
      phases: [
        { name: "suspend", startMs: 0, endMs: suspended },
        { name: "copy", startMs: suspended, endMs: copied },
        { name: "resume", startMs: copied, endMs: totalMs },
      ],
    });
  }
  const stop = Math.max(200, totalMs - downtimeMs - 100);
  const end = Math.max(totalMs, stop + downtimeMs);
  const rate = dirtyMiBps === undefined ? undefined : dirtyMiBps * 256;
  return liveRecord({
    ...changes,
    totalMs: end,
    hypervisorTotalMs: end - 150,
    downtimeMs,
    hypervisorDowntimeMs: downtimeMs,
    phases: [
      { name: "preparation", startMs: 0, endMs: 150 },
      { name: "iterations", startMs: 150, endMs: stop },
      { name: "stop-and-copy", startMs: stop, endMs: stop + downtimeMs / 2 },
      { name: "device-state", startMs: stop + downtimeMs / 2, endMs: stop + downtimeMs },
      { name: "completion", startMs: stop + downtimeMs, endMs: end },
    ],
    equations: { tiMs: stop - 150, ovMs: end - stop + 150, dmMs: downtimeMs / 2, vsMs: downtimeMs / 2 },
    passes: [
      { pass: 1, transferredMiB: 0, remainingMiB: 300, atMs: 151 },
      {
        pass: 2,
        transferredMiB: 120,
        remainingMiB: 14,
        atMs: stop - 10,
        ...(rate !== undefined && { dirtyPagesPerSecond: rate }),
      },
    ],
  });
}
