import { describe, expect, it } from "vitest";
import { claims, judgedClaims } from "../../../../report/claims/claims.ts";
import type { Dataset } from "../../../../report/data/dataset.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { designed, shipped } from "./design.ts";

const times = 200;
const findingOf = (dataset: Dataset, id: string) => {
  const claim = claims.find((one) => one.id === id);
  if (!claim) throw new Error(`there is no claim ${id}`);
  return claim.judge(dataset, times);
};
type Workload = Parameters<Parameters<typeof designed>[2]>[0]["workload"];
const setting = (workload: Workload, key: string): number =>
  (workload as unknown as Record<string, number>)[key] ?? 0;

/** How many lines figure 9 has from median to median. */
function linesIn(dataset: Dataset): number {
  const figures = reportOf(dataset).sections.flatMap(({ figures: some }) => some);
  const svg = figures.find(({ id }) => id === "figure-9")?.draw(580) ?? "";
  const group =
    /<g[^>]*stroke-linejoin="round" stroke-opacity="0.3"[^>]*>((?:(?!<\/g>).)*)<\/g>/s.exec(svg)?.[1] ?? "";
  return group.match(/<path/g)?.length ?? 0;
}

describe("what a claim compares", () => {
  it("is alike but for the memory: writers of three rates in three sizes tell nothing of it", async () => {
    // The smallest guest writes fastest and takes longest.
    const dataset = designed(await shipped("prediction"), 6, ({ workload }, _, repeat) => ({
      totalMs: 3000 + setting(workload, "mibPerSecond") * 100 + repeat,
      downtimeMs: 200,
      dirtyMiBps: 10,
    }));
    expect(findingOf(dataset, "live-total-grows")).toMatchObject({
      verdict: "can't tell",
      remark: expect.stringMatching(/mibPerSecond.*16, 40, 96/),
    });
    // Nor is a line drawn from the one to the other.
    expect(linesIn(dataset)).toBe(0);
  });

  it("is joined by a line in the figures where it is alike", async () => {
    const dataset = designed(await shipped("paper"), 2, ({ memoryMiB }, _, repeat) => ({
      totalMs: 1000 + memoryMiB + repeat,
      downtimeMs: 200,
    }));
    expect(linesIn(dataset)).toBe(1);
  });

  it("is another number of CPUs, too", async () => {
    const paper = await shipped("paper");
    const guests = paper.guests.map((guest, index) => ({ ...guest, vcpus: 1 + (index % 2) }));
    const dataset = designed({ ...paper, guests }, 5, ({ memoryMiB, vcpus }, _, repeat) => ({
      totalMs: 20_000 + memoryMiB - vcpus * 5000 + repeat,
      downtimeMs: 200,
    }));
    // Two lines of three guests, which have 94.4 % together.
    expect(findingOf(dataset, "live-total-grows")).toMatchObject({
      verdict: "can't tell",
      effect: expect.stringContaining("1.02 s for each GiB"),
      remark: expect.stringContaining("2 lines of guests"),
    });
  });
});

describe("memory by how much of it is in use", () => {
  it("is told apart where a design has both: the total that follows use alone", async () => {
    const dataset = designed(await shipped("memory-in-use"), 6, ({ workload, memoryMiB }, _, repeat) => ({
      // What the size does is noise.
      totalMs: 2000 + setting(workload, "workingSetMiB") * 10 + ((memoryMiB * 7 + repeat * 13) % 29),
      downtimeMs: 200,
    }));
    const finding = findingOf(dataset, "live-total-grows");
    expect(finding).toMatchObject({
      verdict: "reproduced",
      effect: expect.stringMatching(/^10\.\d\d s for each GiB in use$/),
      basis: "54 moves of 9 guests in 9 cells",
      remark: expect.stringMatching(/where its use is the same, −?0\.0\d s for each GiB of memory/),
    });
    expect(finding.estimate?.confidence).toBeGreaterThan(0.95);
  });

  it("is not reproduced where the total follows the size alone", async () => {
    const dataset = designed(await shipped("memory-in-use"), 6, ({ workload, memoryMiB }, _, repeat) => ({
      totalMs: 9000 + memoryMiB * 3 - setting(workload, "workingSetMiB") + repeat,
      downtimeMs: 200,
    }));
    expect(findingOf(dataset, "live-total-grows")).toMatchObject({
      verdict: "not reproduced",
      remark: expect.stringContaining("3.07 s for each GiB of memory"),
    });
  });

  it("cannot be told of guests that differ in size and use the same, and says what the size does", async () => {
    const dataset = designed(await shipped("memory"), 5, ({ memoryMiB }, _, repeat) => ({
      totalMs: 3000 + memoryMiB + repeat,
      downtimeMs: 200,
    }));
    expect(findingOf(dataset, "offline-total-grows")).toMatchObject({
      verdict: "can't tell",
      remark: expect.stringMatching(
        /where its use is the same, 1\.02 s for each GiB of memory, 1\.02 s to 1\.02 s/,
      ),
    });
  });
});

describe("what live's downtime follows", () => {
  const course =
    (downtimeOf: (rate: number, memoryMiB: number, limitMs: number) => number) =>
    (
      { workload, memoryMiB }: Parameters<Parameters<typeof designed>[2]>[0],
      { maxDowntimeMs }: Record<string, unknown>,
      repeat: number,
    ) => {
      const rate = setting(workload, "mibPerSecond");
      const downtimeMs = downtimeOf(rate, memoryMiB, Number(maxDowntimeMs)) + repeat / 10;
      return { totalMs: 9000 + downtimeMs, downtimeMs, dirtyMiBps: rate * 1.1 };
    };
  const id = "downtime-follows-dirty-rate";

  it("is the rate, where a factorial design says so", async () => {
    const dataset = designed(
      await shipped("downtime"),
      5,
      course((rate) => rate * 3),
    );
    expect(findingOf(dataset, id)).toMatchObject({
      verdict: "reproduced",
      effect: expect.stringMatching(/^\+1 % of dirty rate: 0\.9\d %; of memory: −?0\.0\d %; of the greatest/),
    });
  });

  it("is not the rate where it is the limit, or the memory", async () => {
    const design = await shipped("downtime");
    const byLimit = designed(
      design,
      5,
      course((rate, _, limitMs) => limitMs * 0.95 + rate / 10),
    );
    expect(findingOf(byLimit, id)).toMatchObject({
      verdict: "not reproduced",
      effect: expect.stringMatching(/of the greatest downtime: (0\.9\d|1\.0\d) %$/),
    });
    const byMemory = designed(
      design,
      5,
      course((rate, memoryMiB) => memoryMiB / 12 + rate / 100),
    );
    expect(findingOf(byMemory, id).verdict).toBe("not reproduced");
  });

  it("cannot be told under one limit that most cells stop at", async () => {
    const design = await shipped("downtime");
    const ways = { live: { ...design.ways["live 100 ms"], maxDowntimeMs: 100 } } as typeof design.ways;
    const dataset = designed(
      { ...design, ways },
      5,
      course((rate) => 95 + rate / 10),
    );
    expect(findingOf(dataset, id)).toMatchObject({
      verdict: "can't tell",
      remark: expect.stringContaining("9 of 9 cells stop for about as long as they may"),
    });
  });

  it("cannot be told where each size has one rate", async () => {
    const dataset = designed(await shipped("paper"), 5, ({ memoryMiB }, _, repeat) => ({
      totalMs: 5000 + memoryMiB,
      downtimeMs: 100 + memoryMiB / 20 + repeat,
      dirtyMiBps: 2 - memoryMiB / 2000,
    }));
    expect(findingOf(dataset, id)).toMatchObject({
      verdict: "can't tell",
      remark: expect.stringContaining("no two guests differ in their rate alone"),
    });
  });
});

describe("live under a limit that offline has not", () => {
  it("is asked for by itself", async () => {
    const dataset = designed(
      await shipped("old-limit"),
      5,
      ({ memoryMiB }, { mode, bandwidthMiBps }, repeat) => {
        const copied = memoryMiB * 9 + repeat;
        if (mode === "offline") return { totalMs: copied, downtimeMs: copied - 700 };
        return { totalMs: bandwidthMiBps === undefined ? copied / 2 : copied * 2, downtimeMs: 200 };
      },
    );
    const judged = new Map(judgedClaims(dataset).map(({ claim, finding }) => [claim.id, finding]));
    expect(judged.get("live-total-longer")).toMatchObject({
      verdict: "not reproduced",
      effect: "live / offline total = 0.50",
    });
    expect(judged.get("live-total-longer-at-32")).toMatchObject({
      verdict: "reproduced",
      effect: "live / offline total = 2.00",
    });
  });
});
