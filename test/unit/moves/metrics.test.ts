import { expect, test } from "vitest";
import { metricsOf, metricsText } from "../../../moves/metrics.ts";
import { liveRecord } from "../helpers/records.ts";

const lines = async (...records: Parameters<typeof metricsText>[1]) =>
  (await metricsText("lab", records)).split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("moves are counted by how they ended, and the last completed one of each guest is told", async () => {
  const first = liveRecord({ startedAt: "2026-01-01T00:00:00.000Z", totalMs: 4000, downtimeMs: 200 });
  const { clientDowntimeMs: _, transferredMiB: __, ...unseen } = first;
  const failed = { ...first, outcome: "failed", startedAt: "2026-01-01T00:02:00.000Z" } as const;
  const said = await lines(first, { ...unseen, totalMs: 3000, downtimeMs: 100 }, failed);
  const of = (name: string) => said.filter((line) => line.startsWith(`kvm_migration_${name}{`));
  expect(of("moves_total")).toEqual([
    expect.stringMatching(/outcome="completed",stack="lab"\} 2$/),
    expect.stringMatching(/outcome="failed",stack="lab"\} 1$/),
  ]);
  expect(of("last_duration_seconds")).toEqual([
    expect.stringMatching(/guest="vm1",mode="live",stack="lab"\} 3$/),
  ]);
  // Nobody but the hypervisors saw the last one, and what it transferred is not known.
  expect(of("last_downtime_seconds")).toEqual([
    expect.stringMatching(/seen_by="hypervisor",stack="lab"\} 0.1$/),
  ]);
  expect(of("last_transferred_bytes")).toEqual([]);
  expect(of("duration_seconds_count")).toEqual([expect.stringMatching(/ 2$/)]);
  expect(of("last_start_timestamp_seconds")).toEqual([expect.stringMatching(/ 1767225720$/)]);
});

test("nothing that moved, nothing that is told", async () => {
  expect(await lines()).toEqual([]);
  expect(await metricsOf("lab", "no/such/folder")).toBe(await metricsText("lab", []));
});

test("names hold anything", async () => {
  const [line] = await lines(liveRecord({ guest: 'a"b\\c\nd' }));
  expect(line).toContain('guest="a\\"b\\\\c\\nd"');
});
