import fc from "fast-check";
import { beforeEach, expect, test, vi } from "vitest";
import { optionsNow } from "../../../../migration/choosing/options-now.ts";
import { predictMove } from "../../../../migration/choosing/predict-move.ts";
import { measureAndChoose, resolveAuto } from "../../../../migration/choosing/resolve-auto.ts";
import type { MigrationRequest } from "../../../../migration/context/migration-request.ts";
import type { Endpoint } from "../../../../migration/context/moving.ts";
import type { AskedOptions, MigrationOptions } from "../../../../moves/options.ts";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { companionsIn, othersIn } from "../../../../prediction/company.ts";
import { describe as inWords } from "../../../../prediction/describe.ts";
import { loadFrom, paceFrom, pastOf, recentOf } from "../../../../prediction/learn.ts";
import { liveRecord, offlineRecord, postcopyRecord } from "../../helpers/records.ts";

vi.mock("node:timers/promises", () => import("../../helpers/simulated-time.ts"));

// What `auto` says of a move, and what is predicted of it, are of one mind: whatever is measured, known and asked for.

interface World {
  dirtyMiBps?: number | undefined;
  linkMiBps?: number | undefined;
  residentMiB: number;
  memoryMiB: number;
  accelerator: "kvm" | "tcg";
  workload?: MigrationRecord["workload"];
  history: MigrationRecord[];
  options: Omit<AskedOptions, "mode">;
  isOld: boolean;
}

const asked: string[] = [];
beforeEach(() => void asked.splice(0));

/** Two hosts that say what they measure. */
function endpoints({ dirtyMiBps, linkMiBps, residentMiB, isOld }: World): [Endpoint, Endpoint] {
  const versions = (libvirt: string) =>
    `Running against daemon: ${libvirt}\nRunning hypervisor: QEMU 10.0.2\n6.1.0`;
  const answers = (doing: string, script: string): string | undefined => {
    if (doing === "asking for versions") return versions(isOld ? "8.0.0" : "9.0.0");
    if (doing.startsWith("measuring the link"))
      return linkMiBps === undefined
        ? undefined
        : `1.0 2.0 1+0 records in\n${Math.round(linkMiBps * 2 ** 20)} bytes sent`;
    if (doing.includes("get dirty") && dirtyMiBps === undefined) return undefined;
    if (script.includes("domstats"))
      return `  dirtyrate.calc_status=2\n  dirtyrate.megabytes_per_second=${dirtyMiBps}\n`;
    if (doing.includes("get dirty")) return "";
    return `resident vm1 ${residentMiB}\n`;
  };
  const session = {
    run: async (doing: string, script: string) => {
      asked.push(doing);
      const stdout = answers(doing, script);
      return { exitCode: stdout === undefined ? 1 : 0, stdout: stdout ?? "", stderr: "" };
    },
  };
  return ["host1", "host2"].map((name) => ({
    name,
    host: { peerAddress: "10.77.0.12" },
    session,
  })) as unknown as [Endpoint, Endpoint];
}

/** As it is read from what the hosts print. */
const linkIn = ({ linkMiBps = 0 }: World) => Math.round(linkMiBps * 2 ** 20) / 2 ** 20;

let guests = 0;
const requested = ({ memoryMiB, accelerator, workload, history, options }: World): MigrationRequest =>
  ({
    guest: "vm1",
    // What was measured of late is kept by it.
    uuid: `${++guests}`,
    to: "host2",
    options: { ...options, mode: "auto" },
    conditions: { memoryMiB, accelerator, nfsTransport: "kernel", workload },
    history,
    fleet: {},
  }) as unknown as MigrationRequest;

/** What is said of a move right before it, or in a preview: which mode it is and why, and what is predicted of it by any options. */
async function said(world: World, isPreview: boolean) {
  const [source, destination] = endpoints(world);
  const request = requested(world);
  const { choice, measured } = await measureAndChoose(request, source, destination, !isPreview);
  const predictedOf = async (options: MigrationOptions) => {
    const { predicted } = await predictMove(request, options, source, measured);
    if (!predicted) throw new Error("nothing is predicted");
    return predicted;
  };
  return { choice, predictedOf };
}

const figure = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const anyRecord = fc
  .record({
    one: fc.constantFrom(liveRecord, offlineRecord, postcopyRecord),
    guest: fc.constantFrom("vm1", "vm2"),
    accelerator: fc.constantFrom("kvm" as const, "tcg" as const),
    quicker: figure(0.1, 20),
    bandwidthMiBps: fc.constantFrom(undefined, 16, 200),
    vsMs: fc.integer({ min: 1, max: 600 }),
    mode: fc.constantFrom("live" as const, "hybrid" as const),
  })
  .map(({ one, guest, accelerator, quicker, bandwidthMiBps, vsMs, mode }): MigrationRecord => {
    const { transferredMiB = 0, equations, mode: own, ...record } = one({ guest, accelerator });
    return {
      ...record,
      mode: own === "live" || own === "postcopy" ? mode : own,
      transferredMiB: transferredMiB * quicker,
      ...(equations && { equations: { ...equations, vsMs } }),
      ...(bandwidthMiBps && { options: { bandwidthMiBps } }),
    } as MigrationRecord;
  });
const anyWorld: fc.Arbitrary<World> = fc.record({
  dirtyMiBps: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 2000 }) }, fc.constant(undefined)),
  linkMiBps: fc.oneof({ weight: 9, arbitrary: figure(1, 3000) }, fc.constant(undefined)),
  residentMiB: fc.integer({ min: 100, max: 4000 }),
  memoryMiB: fc.integer({ min: 128, max: 64_000 }),
  accelerator: fc.constantFrom("kvm" as const, "tcg" as const),
  workload: fc.constantFrom(undefined, { type: "memory", mibPerSecond: 20, workingSetMiB: 8 } as never),
  history: fc.array(anyRecord, { maxLength: 4 }),
  options: fc.record(
    {
      maxDowntimeMs: fc.integer({ min: 1, max: 2000 }),
      bandwidthMiBps: fc.integer({ min: 1, max: 1000 }),
      timeoutMs: fc.integer({ min: 1000, max: 600_000 }),
      onTimeout: fc.constantFrom("abort" as const, "suspend" as const),
      autoConverge: fc.constant({}),
      parallelConnections: fc.constant(2),
    },
    { requiredKeys: [] },
  ),
  isOld: fc.boolean(),
});

const rate = (mibps: number) => `${mibps < 10 ? mibps.toFixed(1) : Math.round(mibps)} MiB/s`;

/** The figures that a prediction goes by, from its parts. */
function figuresOf(world: World, options: MigrationOptions, linkMiBps: number | undefined): string {
  const { accelerator, memoryMiB, workload, residentMiB, dirtyMiBps, history } = world;
  const kind = { guest: "vm1", from: "host1", to: "host2", accelerator, mode: options.mode, options };
  // They all began at the same time.
  const companions = companionsIn(history);
  const othersOf = (record: MigrationRecord) => othersIn(record, companions.get(record));
  const past = pastOf(recentOf(history, kind), kind, othersOf);
  const load = loadFrom(past, "vm1", { memoryMiB, workload, residentMiB, dirtyMiBps });
  const { sendMiBps } = paceFrom(past, kind, linkMiBps);
  const sent = Math.min(sendMiBps, options.bandwidthMiBps ?? Number.POSITIVE_INFINITY);
  return `${rate(load.dirtyMiBps)} get dirty and ${rate(sent)} can be sent`;
}

/** Holds what `auto` says of a move against what is predicted of it. Returns what it says. */
async function agrees(world: World, isPreview = false): Promise<string> {
  const { choice, predictedOf } = await said(world, isPreview);
  const { reason } = choice;
  if (reason.includes("is not known")) return reason;
  const live: MigrationOptions = { ...world.options, mode: "live" };
  const plain = await predictedOf(live);
  expect([reason, plain.converges]).toEqual([reason, !reason.includes("does not converge")]);
  const link = world.linkMiBps === undefined || isPreview ? undefined : linkIn(world);
  expect(reason).toContain(figuresOf(world, live, link));
  // Nothing that was not asked for, where there is no doubt.
  if (plain.likelihood === 1 && !live.autoConverge) expect(reason).toMatch(/^live: pre-copy converges/);
  if (choice.kind === "refuse") return reason;
  const predicted = await predictedOf(choice.options);
  expect([reason, predicted.converges]).toEqual([reason, !reason.includes("the guest is paused")]);
  expect(inWords(predicted, choice.options).includes("does not converge")).toBe(!predicted.converges);
  return reason;
}

const emulated: World = {
  dirtyMiBps: 300,
  linkMiBps: 1000,
  residentMiB: 3000,
  memoryMiB: 4096,
  accelerator: "tcg",
  history: [],
  options: {},
  isOld: false,
};

const again = (one: Partial<MigrationRecord>) => Array.from({ length: 3 }, () => liveRecord(one));

test.each<[string, Partial<World>, RegExp]>([
  ["is emulated, and does not send as fast as the link could", {}, /^hybrid: .* 250 MiB\/s can be sent/],
  [
    "is emulated, and was slower of late than its link is now",
    { dirtyMiBps: 140, history: again({}) },
    /^hybrid: pre-copy does not converge, since 140 MiB\/s get dirty and 130 MiB\/s can be sent/,
  ],
  [
    "converges, and with a quarter more dirt would not",
    { accelerator: "kvm", dirtyMiBps: 90, linkMiBps: 100 },
    /^hybrid: pre-copy may not converge, since 90 MiB\/s get dirty and 100 MiB\/s can be sent/,
  ],
  [
    "has a link that is slower now than its moves were",
    { dirtyMiBps: 30, linkMiBps: 20, history: again({}) },
    /^hybrid: pre-copy does not converge, since 30 MiB\/s get dirty and 20 MiB\/s can be sent/,
  ],
  [
    "would be slowed down, and has not the time for that",
    { dirtyMiBps: 900, isOld: true, options: { timeoutMs: 20_000 } },
    /slowing it down would not be enough$/,
  ],
  [
    "would turn to post-copy after a pass, and has not the time for one",
    { linkMiBps: 10, options: { timeoutMs: 20_000 } },
    /post-copy's time would not come within 20 s \(timeoutMs\)/,
  ],
])("what auto and the prediction say is the same of a guest that %s", async (_what, changes, words) => {
  expect(await agrees({ ...emulated, ...changes })).toMatch(words);
});

test("what auto and the prediction say is the same, whatever is measured, known and asked for", async () => {
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.boolean(), async (world, isPreview) => {
      kinds.add(
        (await agrees(world, isPreview)).replace(/( within [\d.]+ s)?, (since|and its CPUs) .*|; .*/, ""),
      );
    }),
    { numRuns: 500, seed: 1 },
  );
  const doubts = ["how fast its pages get dirty, or can be sent, is not known", "pre-copy does not converge"];
  expect([...kinds]).toEqual(
    expect.arrayContaining([
      "live: pre-copy converges",
      ...doubts.map((why) => `hybrid: ${why}`),
      ...doubts.map((why) => `live with auto-converge: ${why}`),
      "pre-copy does not converge",
    ]),
  );
});

test("what was measured to choose the mode is what is predicted by, and asked for once", async () => {
  const [source, destination] = endpoints(emulated);
  const request = requested(emulated);
  const { options, measured } = await resolveAuto(request, source, destination, () => {});
  const before = asked.length;
  const foreseen = await predictMove(request, options, source, measured);
  expect(asked).toHaveLength(before);
  expect(foreseen.before).toEqual({ dirtyMiBps: 300, residentMiB: 3000 });
  const preview = await optionsNow(
    { ...request, options: { mode: "auto", bandwidthMiBps: 100 } },
    source,
    destination,
  );
  expect(preview?.measured?.guest).toEqual(foreseen.before);
});
