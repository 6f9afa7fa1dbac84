import { describe, expect, it } from "vitest";
import { leastHosts } from "../../bench/least-hosts.ts";
import type { PlannerResults } from "../../bench/planner.ts";
import { plannerTables } from "../../bench/planner-tables.ts";

const host = (name: string, gib: number, cpus: number) => ({
  name,
  memoryMiB: gib * 1024,
  reserveMiB: 0,
  cpus,
  isDrained: false,
});
const limits = { memory: 0.5, cpu: 0.5, vcpuRatio: 2 };

describe("the least number of hosts", () => {
  const hosts = [host("h1", 8, 4), host("h2", 16, 4), host("h3", 8, 4), host("h4", 8, 4)];
  const guest = { name: "a", host: "h1", memoryMiB: 1024, vcpus: 1, busyCpus: 0 };
  const least = (more: Partial<typeof guest>) =>
    leastHosts({ hosts, guests: [{ ...guest, ...more }] }, limits);

  it("is two where one may be lost, and more where memory, vCPUs or load need more", () => {
    expect(least({})).toBe(2);
    // 8 GiB are on the largest host, but not on the next one without it.
    expect(least({ memoryMiB: 9 * 1024 })).toBe(3);
    expect(least({ memoryMiB: 13 * 1024 })).toBe(3);
    expect(least({ memoryMiB: 17 * 1024 })).toBe(4);
    expect(least({ vcpus: 17 })).toBe(3);
    expect(least({ busyCpus: 6.5 })).toBe(4);
  });
});

describe("the tables of plans", () => {
  const plan = (score: number, moves: number, gib: number) => ({ score, moves, gib, cpuMs: 100 });
  const sample = (seed: number, ours: ReturnType<typeof plan>): PlannerResults["against"][number] => ({
    hosts: 6,
    guests: 60,
    seed,
    before: 0.5,
    hbal: plan(0.1, 7, 60),
    ours,
    oursByHbal: ours.score,
    free: plan(0.05, 9, 70),
  });

  it("count a plan as no worse only if its score, moves and memory all are", () => {
    const better = plan(0.08, 7, 60);
    const against = [better, { ...better, score: 0.11 }, { ...better, moves: 8 }, { ...better, gib: 61 }].map(
      (ours, seed) => sample(seed, ours),
    );
    const text = plannerTables({ hbal: "3.0.2", against, alone: [], consolidated: [] });
    expect(text).toMatch(/within hbal's .* 1 of 4 │ +0\.80 \(1\.10\)/);
    expect(text).toMatch(/by usual prices .* 0 of 4 │ +0\.50 \(0\.50\)/);
  });

  it("say that there was nothing to compare with where hbal is not installed", () => {
    expect(plannerTables({ against: [], alone: [], consolidated: [] })).toMatch(/^hbal is not installed/);
  });
});
