import { describe, expect, it } from "vitest";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { movesCsv, movesRows, runCsv } from "../../../../report/export/moves-csv.ts";
import { fileOf, syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord } from "../../helpers/records.ts";

const stackOf = (...records: MigrationRecord[]) => ({
  file: "lab.jsonl",
  text: records.map((record) => `${JSON.stringify(record)}\n`).join(""),
});

describe("moves of a stack, for other programs", () => {
  const record = liveRecord({
    workload: { type: "memory", mibPerSecond: 20 },
    before: { residentMiB: 512.123456, dirtyMiBps: 3.00049 },
    guestDowntimeMs: 80.9,
    guestClockResolutionMs: 0.025,
    client: {
      prober: "storage",
      protocols: [{ protocol: "icmp", sent: 1000, lost: 20 }],
      usualSilenceMs: 7.2,
      proberLateMs: 0.1,
    },
    hypervisorTotalMs: 1299.9999999993,
    sampled: {
      intervalMs: 250,
      latency: { through: { answered: 280, unanswered: 20, p50Ms: 0.42, p99Ms: 31.7 } },
    },
    predicted: {
      totalMs: 1400,
      downtimeMs: 90,
      passes: 3,
      converges: true,
      range: { totalMs: [1000, 1900], downtimeMs: [60, 120], passes: [2, 4] },
      from: 12,
      others: 1.5,
    },
  });
  const dataset = datasetOf([stackOf(record)]);
  const [row = {}] = movesRows(dataset);

  it("have all that a record tells, and nothing of a run that there was not", () => {
    expect(row).toMatchObject({
      guest: record.guest,
      resident_mib: 512.123,
      guest_clock_resolution_ms: 0.025,
      client_usual_silence_ms: 7.2,
      client_icmp_lost: 20,
      latency_p50_ms: 0.42,
      latency_p99_ms: 31.7,
      latency_p999_ms: undefined,
      latency_unanswered: 20,
      latency_before_p50_ms: undefined,
      qemu_from: record.versions.from.qemu,
      predicted_total_most_ms: 1900,
      predicted_from_records: 12,
      predicted_others: 1.5,
      workload: "memory",
      workload_settings: '{"type":"memory","mibPerSecond":20}',
    });
    const [head = ""] = movesCsv(dataset).split("\n");
    expect(head.split(",")).not.toContain("experiment");
    expect(head.split(",")).toContain("dm_vs_from");
  });

  it("have no digits that nobody measured", () => {
    expect(row.hypervisor_total_ms).toBe(1300);
    for (const [name, value] of Object.entries(row))
      if (typeof value === "number" && !/_(resolution|uncertainty|offset)_ms$/.test(name))
        expect(`${value}`, name).toMatch(/^-?\d+(\.\d{1,3})?$/);
  });
});

describe("moves of runs and stacks together", () => {
  const run = syntheticRun(2);

  it("are the run's own CSV where there is a run alone", () => {
    const dataset = datasetOf([{ file: "run.jsonl", text: fileOf(run) }]);
    expect(movesCsv(dataset)).toBe(runCsv(run.head, [...run.moves, ...run.failures]));
  });

  it("are a row each, with the run's columns empty for those of a stack", () => {
    const dataset = datasetOf([{ file: "run.jsonl", text: fileOf(run) }, stackOf(liveRecord())]);
    const lines = movesCsv(dataset).trimEnd().split("\n");
    expect(lines).toHaveLength(run.moves.length + run.failures.length + 2);
    expect(lines[0]).toMatch(/^experiment,run,cell,/);
    expect(lines.at(-1)).toMatch(/^,,,/);
  });
});
