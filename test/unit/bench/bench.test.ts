import { describe, expect, test } from "vitest";
import { criticalPath } from "../../bench/critical-path.ts";
import { moveCommandFindings, moveFindings, verdicts } from "../../bench/findings.ts";
import { partOf, partTimes } from "../../bench/lab-parts.ts";
import type { MoveSample } from "../../bench/moves.ts";
import { proberFindings } from "../../bench/prober-findings.ts";
import { kindOf } from "../../bench/process-memory.ts";
import type { Span, StateResource } from "../../bench/pulumi.ts";
import { mostAtOnce } from "../../bench/several.ts";
import { compare } from "../../bench/statistics.ts";
import type { ArmSample } from "../../bench/with-without.ts";
import { liveRecord } from "../helpers/records.ts";

describe("a comparison of pairs", () => {
  const pairs = [
    { ours: 110, reference: 100 },
    { ours: 90, reference: 100 },
    { ours: 105, reference: 100 },
  ];

  test("is judged by the ratio of medians, and shows the pairs' own", () => {
    const { ratioOfMedians, pairRatio, pairDifference } = compare(pairs);
    expect(ratioOfMedians).toBe(1.05);
    expect(pairRatio).toEqual({ n: 3, median: 1.05, min: 0.9, max: 1.1 });
    expect(pairDifference).toEqual({ n: 3, median: 5, min: -10, max: 10 });
  });

  test("says how far chance may have moved the ratio", () => {
    const [low, high] = compare(pairs).ratioInterval95;
    expect([low, high]).toEqual([0.9, 1.1]);
    const same = Array.from({ length: 10 }, () => ({ ours: 30, reference: 20 }));
    expect(compare(same).ratioInterval95).toEqual([1.5, 1.5]);
  });
});

test("what npm run move takes is told without the move, and beyond 1.2 empty phases", () => {
  const sample = (pair: number, wallMs: number) => ({
    pair,
    wallMs,
    engineMs: 3000,
    emptyMs: 1000,
    load: 0.5,
  });
  const { around, beyondEmpty } = moveCommandFindings([sample(1, 5200), sample(2, 5000), sample(3, 5400)]);
  expect(around.ratioOfMedians).toBeCloseTo(2.2);
  expect(beyondEmpty).toMatchObject({ n: 3, median: 1000, min: 800, max: 1200 });
});

describe("moves", () => {
  const sample = (arm: MoveSample["arm"], pair: number, changes: Partial<MoveSample> = {}): MoveSample => ({
    arm,
    pair,
    from: "host1",
    to: "host2",
    qemuTotalMs: 2000,
    qemuDowntimeMs: 100,
    jobElapsedMs: 2100,
    jobDowntimeMs: 105,
    moveMs: 2500,
    aroundMs: 500,
    wallMs: 2500,
    load: 0.5,
    ...changes,
  });
  const pair = (number: number, ours: Partial<MoveSample>, plain: Partial<MoveSample> = {}) => [
    sample("pulumi", number, ours),
    sample("virsh", number, plain),
  ];
  const judged = (samples: MoveSample[]) => verdicts(moveFindings(samples)).map(({ verdict }) => verdict);

  test("the fixed cost is what the engine takes around the transfer, beyond what plain virsh does", () => {
    const { fixedCost, upAroundMove } = moveFindings([
      ...pair(1, { aroundMs: 900, moveMs: 2900, wallMs: 12_900 }),
      ...pair(2, { aroundMs: 800, moveMs: 2800, wallMs: 10_800 }, { aroundMs: 600 }),
    ]);
    expect(fixedCost).toEqual({ n: 2, median: 300, min: 200, max: 400 });
    expect(upAroundMove.median).toBe(9000);
  });

  test("the order within a pair does not matter, and half a pair is passed over", () => {
    const [ours, plain] = pair(1, { qemuTotalMs: 2200 });
    const { figures } = moveFindings([plain, ours, sample("virsh", 2, { qemuTotalMs: 9 })] as MoveSample[]);
    expect(figures.qemuTotalMs.pairRatio).toEqual({ n: 1, median: 1.1, min: 1.1, max: 1.1 });
  });

  test("targets: 5 % of total and downtime, 0.5 s around them", () => {
    const atLimit = pair(1, { qemuTotalMs: 2100, qemuDowntimeMs: 105, aroundMs: 999 });
    expect(judged(atLimit)).toEqual(["met", "met", "met"]);
    expect(judged(pair(1, { qemuTotalMs: 2101 }))).toEqual(["not met", "met", "met"]);
    expect(judged(pair(1, { qemuDowntimeMs: 106 }))).toEqual(["met", "not met", "met"]);
    expect(judged(pair(1, { aroundMs: 1000 }))).toEqual(["met", "met", "not met"]);
  });

  test("what the samples leave open is not judged", () => {
    const scattered = [0.8, 0.9, 1, 1.1, 1.2, 1.3].flatMap((ratio, i) =>
      pair(i + 1, { qemuTotalMs: 2000 * ratio }),
    );
    expect(judged(scattered)).toEqual(["undetermined", "met", "met"]);
  });
});

describe("what a lab's time goes to", () => {
  const urn = (type: string, name: string) => `urn:pulumi:bench::kvm-migration-testbed::${type}::${name}`;
  const local = "command:local:Command";
  const span = (name: string, startMs: number, endMs: number, type = local): Span => ({
    urn: urn(type, name),
    type,
    name,
    op: "create",
    startMs,
    endMs,
  });
  const resource = ({ urn, type }: Span, dependencies: Span[], provider?: Span): StateResource => ({
    urn,
    type,
    dependencies: dependencies.map((each) => each.urn),
    ...(provider && { provider: `${provider.urn}::4a6f` }),
  });

  const container = span("host1-lab-container", 1000, 5000);
  const provider = span("storage-libvirt", 5100, 9000, "pulumi:providers:libvirt");
  const image = span("bench-image-file", 1000, 3000);
  const base = span("bench-pool-base", 9000, 12_000, "libvirt:index/volume:Volume");
  const ready = span("vm1-ready", 12_500, 60_000);
  const component = span("vm1", 2000, 70_000, "testbed:index:UbuntuGuest");
  const spans = [container, provider, image, base, ready, component];
  const state = [
    resource(container, []),
    resource(provider, [container]),
    resource(image, []),
    resource(base, [image], provider),
    resource(ready, [base, component]),
  ];

  test("leads back through what each resource waited for last, its provider too, components left out", () => {
    expect(criticalPath(spans, state, ready).map(({ name, freeMs }) => [name, freeMs])).toEqual([
      ["host1-lab-container", 0],
      ["storage-libvirt", 5000],
      ["bench-pool-base", 9000],
      ["vm1-ready", 12_000],
    ]);
  });

  test("resources are told apart by the part that they belong to", () => {
    const parts = Object.fromEntries(
      [...spans, span("host1-probe", 0, 1)].map((each) => [each.name, partOf(each)]),
    );
    expect(parts).toEqual({
      "host1-lab-container": "containers",
      "storage-libvirt": "hosts' preparation",
      "bench-image-file": "pool and base image",
      "bench-pool-base": "pool and base image",
      "vm1-ready": "guests' boot",
      vm1: "other",
      "host1-probe": "KVM probe",
    });
  });

  test("a part lasts from its first resource's beginning to its last one's end", () => {
    expect(partTimes(spans)).toContainEqual({
      part: "pool and base image",
      resources: 2,
      startMs: 1000,
      endMs: 12_000,
      longestMs: 3000,
    });
  });
});

test("processes are known by their command lines", () => {
  const kind = (...words: string[]) => kindOf({ command: `${words.join("\0")}\0` });
  const home = "/home/me/.pulumi";
  expect(kind(`${home}/versions/3.256.0/bin/pulumi`, "up", "--yes")).toBe("Pulumi CLI");
  expect(
    kind("node", "/project/node_modules/@pulumi/pulumi/cmd/run/index.js", "--monitor", "127.0.0.1:1"),
  ).toBe("the program (index.ts)");
  expect(
    kind("node", "/project/node_modules/@pulumi/pulumi/cmd/dynamic-provider/index.js", "127.0.0.1:1"),
  ).toBe("dynamic provider (the engine)");
  expect(kind(`${home}/versions/3.256.0/bin/pulumi-language-nodejs`, "127.0.0.1:1")).toBe(
    "Node language host",
  );
  expect(kind("ssh", "-M", "-S", "/tmp/x")).toBe("ssh");
  expect(kind("sleep", "1")).toBe("other");
});

describe("a prober", () => {
  const sample = (
    arm: ArmSample["arm"],
    pair: number,
    changes: Parameters<typeof liveRecord>[0],
  ): ArmSample => ({ arm, pair, record: liveRecord(changes), load: 1 });
  const seen = (clientDowntimeMs: number, guestDowntimeMs: number) => ({
    clientDowntimeMs,
    clientProbeIntervalMs: 5,
    guestDowntimeMs,
    guestClockResolutionMs: 0.4,
  });

  test("is compared with none, pair by pair", () => {
    const { figures } = proberFindings([
      sample("with", 1, { totalMs: 1010 }),
      sample("without", 1, { totalMs: 1000 }),
      sample("without", 2, { totalMs: 1000 }),
      sample("with", 2, { totalMs: 990 }),
    ]);
    expect(figures.totalMs).toMatchObject({ ratioOfMedians: 1, pairDifference: { min: -10, max: 10 } });
  });

  test("agrees with the hypervisor as far as both can tell", () => {
    // 80.5 ms, and the clocks within 0.2 ms.
    const { client, guest } = proberFindings([
      sample("with", 1, seen(85.7, 80.0)),
      sample("without", 1, {}),
      sample("with", 2, seen(85.8, 81.2)),
    ]);
    expect(client).toMatchObject({ within: 1, difference: { n: 2 } });
    expect(guest).toMatchObject({ within: 1, difference: { n: 2 } });
    expect(client?.difference.max).toBeCloseTo(5.3);
  });

  test("that saw nothing has nothing to agree with", () => {
    const findings = proberFindings([sample("with", 1, {}), sample("without", 1, {})]);
    expect(findings).not.toHaveProperty("client");
    expect(findings).not.toHaveProperty("guest");
  });
});

describe("several moves at once", () => {
  const move = (second: number, totalMs: number) => ({
    startedAt: new Date(second * 1000).toISOString(),
    totalMs,
  });

  test("are counted by their records: those of which one began before the other was done", () => {
    expect(mostAtOnce([])).toBe(0);
    expect(mostAtOnce([move(0, 1000), move(1, 1000), move(2, 1000)])).toBe(1);
    expect(mostAtOnce([move(0, 1001), move(1, 1001), move(2, 1000)])).toBe(2);
    expect(mostAtOnce([move(0, 5000), move(1, 500), move(2, 2000), move(3, 100)])).toBe(3);
  });
});
