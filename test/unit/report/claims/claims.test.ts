import { describe, expect, it } from "vitest";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { claims, judgedClaims } from "../../../../report/claims/claims.ts";
import { type Dataset, datasetOf } from "../../../../report/data/dataset.ts";
import { fileOf, type SyntheticRun, syntheticRun } from "../../../report/synthetic.ts";
import { liveRecord, offlineRecord } from "../../helpers/records.ts";

const datasetWith = (run: SyntheticRun): Dataset => datasetOf([{ file: "run.jsonl", text: fileOf(run) }]);

/** The synthetic run, with every record changed: in it the paper's claims hold. */
function changed(change: (record: MigrationRecord) => Partial<MigrationRecord>, repeats = 6): Dataset {
  const run = syntheticRun(repeats);
  const moves = run.moves.map((move) => ({ ...move, record: { ...move.record, ...change(move.record) } }));
  return datasetWith({ ...run, moves });
}

const findingOf = (dataset: Dataset, id: string) => {
  const claim = claims.find((one) => one.id === id);
  if (!claim) throw new Error(`there is no claim ${id}`);
  return claim.judge(dataset, 200);
};

/** With other totals everything else follows: phases grow at their end. */
function withTotal(record: MigrationRecord, totalMs: number): Partial<MigrationRecord> {
  const { phases, equations } = record;
  const before = phases.at(-2)?.endMs as number;
  const end = Math.max(totalMs, before);
  return {
    totalMs: end,
    phases: [...phases.slice(0, -1), { ...(phases.at(-1) as (typeof phases)[0]), endMs: end }],
    ...(equations && { equations: { ...equations, ovMs: end - equations.tiMs } }),
  };
}

/** Five repeats, which differ by a millisecond each. */
const repeated = (
  record: (changes: Partial<MigrationRecord>) => MigrationRecord,
  totalMs: number,
  changes: Partial<MigrationRecord> = {},
): MigrationRecord[] =>
  [0, 1, 2, 3, 4].map((repeat) => {
    const startedAt = new Date(Date.UTC(2026, 0, 1) + repeat).toISOString();
    const one = record({ startedAt, ...changes });
    return { ...one, ...withTotal(one, totalMs + repeat) };
  });

const ofRecords = (records: readonly MigrationRecord[]): Dataset =>
  datasetOf([{ file: "lab.jsonl", text: records.map((record) => `${JSON.stringify(record)}\n`).join("") }]);

/** A third of the memory is in use. */
const filling = (memoryMiB: number) => ({ type: "memory", mibPerSecond: 10, workingSetMiB: memoryMiB / 4 });

/** A run whose link is varied, with a guest's total as it is said for each rate and size. */
function overLinks(totalMs: (linkMiBps: number, memoryMiB: number) => number): Dataset {
  const { head } = syntheticRun(1);
  const cells = [16, 64].flatMap((linkMiBps) =>
    [512, 1024, 1536].map((memoryMiB) => ({
      id: `${memoryMiB}/live@${linkMiBps}`,
      factors: { memoryMiB, linkMiBps, mode: "live" },
    })),
  );
  const moves = cells.flatMap(({ id, factors: { memoryMiB, linkMiBps } }) =>
    repeated(liveRecord, totalMs(linkMiBps, memoryMiB), {
      memoryMiB,
      guest: id,
      workload: filling(memoryMiB),
    }).map((record, index) => ({
      ...(syntheticRun(1).moves[0] as SyntheticRun["moves"][0]),
      isWarmUp: false,
      cell: id,
      repeat: index + 1,
      record,
    })),
  );
  return datasetWith({ head: { ...head, cells }, moves, failures: [] });
}

describe("the paper's claims", () => {
  it("are all there, once, and hold where moves follow a model in which they do", () => {
    const judged = judgedClaims(changed(() => ({})));
    expect(new Set(judged.map(({ claim }) => claim.id)).size).toBe(claims.length);
    expect(judged.map(({ claim, finding }) => [claim.id, finding.verdict])).toEqual([
      ["offline-downtime-is-total", "reproduced"],
      ["offline-total-grows", "reproduced"],
      ["live-total-grows", "reproduced"],
      ["copy-is-longest", "reproduced"],
      ["live-downtime-shorter", "reproduced"],
      ["live-total-longer", "reproduced"],
      // Its guests differ in the rate only where they differ in the workload, too.
      ["downtime-follows-dirty-rate", "can't tell"],
    ]);
    for (const { finding } of judged.slice(0, -1)) {
      expect(finding.effect).toBeTruthy();
      expect(finding.estimate?.confidence).toBeGreaterThanOrEqual(0.95);
      expect(finding.ofThese?.confidence).toBe(0.95);
      expect(finding.test.how).toMatch(/reproduced/);
      expect(finding.basis).toMatch(/\d+ (offline |live )?moves of \d+ guests/);
    }
  });

  it("say nothing of moves that are not there", () => {
    for (const { finding } of judgedClaims(datasetOf([{ file: "none.jsonl", text: "" }]))) {
      expect(finding).toMatchObject({ verdict: "can't tell", remark: expect.stringContaining("it takes") });
      expect(finding.estimate).toBeUndefined();
    }
  });

  it("say nothing of these guests where repeats are few, and of guests like these what they can", () => {
    const found = judgedClaims(datasetWith(syntheticRun(4))).slice(1, 3);
    for (const { finding } of found) {
      expect(finding.ofThese).toBeUndefined();
      expect(finding.estimate?.confidence).toBeGreaterThan(0.95);
    }
  });

  it("do not hold where offline moves are down for a part of their time only", () => {
    const part = changed(({ mode, totalMs }) => (mode === "offline" ? { downtimeMs: totalMs * 0.9 } : {}));
    const finding = findingOf(part, "offline-downtime-is-total");
    expect(finding).toMatchObject({
      verdict: "not reproduced",
      effect: expect.stringContaining("111 ms more for each second of downtime"),
    });
  });

  it("hold where a move takes a second besides, however short it is", () => {
    const besides = changed((record) =>
      record.mode === "offline" ? { downtimeMs: record.totalMs - 1000 } : {},
    );
    const finding = findingOf(besides, "offline-downtime-is-total");
    expect(finding).toMatchObject({
      verdict: "reproduced",
      effect: "total − downtime = 1.00 s, 0 ms more for each second of downtime",
    });
  });

  it("do not hold where every guest takes as long, whatever its memory", () => {
    const even = changed((record) => withTotal(record, 60_000 + (Date.parse(record.startedAt) % 7919)));
    expect(findingOf(even, "offline-total-grows").verdict).not.toBe("reproduced");
    const falling = changed((record) => withTotal(record, 90_000 - record.memoryMiB * 20));
    expect(findingOf(falling, "offline-total-grows").verdict).toBe("not reproduced");
    expect(findingOf(falling, "offline-total-grows").effect).toContain("−20.48 s for each GiB");
  });

  it("do not hold where copying is quick", () => {
    const quick = changed(({ mode, totalMs }) =>
      mode === "offline"
        ? {
            phases: [
              { name: "suspend", startMs: 0, endMs: totalMs * 0.6 },
              { name: "copy", startMs: totalMs * 0.6, endMs: totalMs * 0.7 },
              { name: "resume", startMs: totalMs * 0.7, endMs: totalMs },
            ],
          }
        : {},
    );
    const finding = findingOf(quick, "copy-is-longest");
    expect(finding).toMatchObject({ verdict: "not reproduced", remark: "above 1 in 0 of 10 guests" });
    expect(finding.estimate?.value).toBeCloseTo(1 / 6, 9);
  });

  it("compare live and offline in guests of the same memory and workload alone", () => {
    const run = syntheticRun(6);
    const apart = run.moves.filter(
      ({ record }) => (record.mode === "live") === (record.guest === "idle-7" || record.guest === "python-1"),
    );
    const finding = findingOf(datasetWith({ ...run, moves: apart }), "live-total-longer");
    expect(finding).toMatchObject({ verdict: "can't tell", basis: "0 moves of 0 guests in 0 cells" });
    const together = findingOf(datasetWith(run), "live-total-longer");
    expect(together.basis).toBe("120 moves of 10 guests in 20 cells");
    expect(together.estimate?.value).toBeGreaterThan(1.5);
  });

  it("compare live and offline under one limit of the bandwidth", () => {
    const bandwidthMiBps = 8;
    const guests = ["a", "b", "c", "d", "e", "f"];
    const of = (
      record: typeof liveRecord,
      totalMs: number,
      options?: MigrationRecord["options"],
    ): MigrationRecord[] =>
      guests.flatMap((guest) => repeated(record, totalMs, { guest, ...(options && { options }) }));
    const unlimited = [...of(offlineRecord, 6000), ...of(liveRecord, 3000)];
    const limitedLive = of(liveRecord, 60_000, { bandwidthMiBps });
    const limitedOffline = of(offlineRecord, 80_000, { bandwidthMiBps });
    const findingIn = (...records: MigrationRecord[]) => findingOf(ofRecords(records), "live-total-longer");
    const alone = { verdict: "not reproduced", effect: "live / offline total = 0.50" };
    expect(findingIn(...unlimited)).toMatchObject({ ...alone, basis: "60 moves of 6 guests in 12 cells" });
    expect(findingIn(...unlimited, ...limitedLive)).toMatchObject(alone);
    const both = findingIn(...unlimited, ...limitedLive, ...limitedOffline);
    expect(both).toMatchObject({
      effect: "live / offline total = 0.61",
      basis: "120 moves of 6 guests in 24 cells",
    });
    // What only a running guest's memory has is a way to move live.
    const tls = of(liveRecord, 3000, { transport: "tls" });
    expect(findingIn(...of(offlineRecord, 6000), ...tls)).toMatchObject(alone);
    // A limit that offline does not have is asked for by itself.
    const limited = (...records: MigrationRecord[]) =>
      judgedClaims(ofRecords(records)).filter(({ claim }) => claim.id.endsWith("-at-8"));
    expect(limited(...unlimited, ...limitedLive)[1]).toMatchObject({
      claim: { says: "Live migration's total time is longer than offline's, live at 8 MiB/s" },
      finding: { verdict: "reproduced", effect: "live / offline total = 10.00" },
    });
    expect(limited(...unlimited, ...limitedLive, ...limitedOffline)).toEqual([]);
  });

  it("tell what memory does for each link by itself", () => {
    // Seconds for each GiB are 64 over the slow link and 16 over the fast one; over both together they would be neither.
    const slopes = overLinks((linkMiBps, memoryMiB) => 2000 + (memoryMiB / linkMiBps) * 1000);
    expect(findingOf(slopes, "live-total-grows")).toMatchObject({
      effect: "40.00 s for each GiB of memory, with what is in use of it",
      remark: expect.stringContaining("2 lines of guests, from 16.00 s to 64.00 s"),
    });
    const falling = overLinks((linkMiBps, memoryMiB) => 80_000 / linkMiBps + 20_000 - memoryMiB);
    expect(findingOf(falling, "live-total-grows").effect).toContain("−1.02 s for each GiB");
  });

  it("do not take for memory what the accelerator does, or an option", () => {
    const live = (memoryMiB: number, totalMs: number, changes: Partial<MigrationRecord>) =>
      repeated(liveRecord, totalMs, { memoryMiB, workload: filling(memoryMiB), ...changes });
    const emulated = [...live(384, 20_000, {}), ...live(512, 21_000, {})];
    const quick = { accelerator: "kvm" } as const;
    const accelerated = [...live(2048, 2000, quick), ...live(4096, 4000, quick)];
    const growing = { effect: expect.stringMatching(/^[1-9]/), basis: "20 moves of 4 guests in 4 cells" };
    expect(findingOf(ofRecords([...emulated, ...accelerated]), "live-total-grows")).toMatchObject(growing);
    const options = { bandwidthMiBps: 400 };
    const faster = [...live(2048, 2000, { options }), ...live(4096, 4000, { options })];
    expect(findingOf(ofRecords([...emulated, ...faster]), "live-total-grows")).toMatchObject(growing);
    // One size under each: there is nothing to compare.
    const apart = [...live(384, 20_000, {}), ...live(2048, 2000, quick)];
    expect(findingOf(ofRecords(apart), "live-total-grows")).toMatchObject({
      verdict: "can't tell",
      remark: expect.stringMatching(/^it takes guests that differ in the memory in use, and in nothing else/),
    });
  });

  it("can't tell where workloads differ along with the memory", () => {
    const records = [
      ...repeated(liveRecord, 3000, { memoryMiB: 512 }),
      ...repeated(liveRecord, 5000, { memoryMiB: 1024, workload: { type: "python" } }),
    ];
    const finding = findingOf(ofRecords(records), "live-total-grows");
    expect(finding.verdict).toBe("can't tell");
    expect(finding.effect).toBeUndefined();
  });

  it("are judged alike each time", () => {
    const dataset = changed(() => ({}));
    expect(judgedClaims(dataset).map(({ finding }) => finding)).toEqual(
      judgedClaims(dataset).map(({ finding }) => finding),
    );
  });
});
