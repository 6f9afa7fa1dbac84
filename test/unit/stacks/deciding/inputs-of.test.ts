import { describe, expect, it } from "vitest";
import type { MeasuredLoad } from "../../../../load/join.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../../stacks/config.ts";
import { inputsOf } from "../../../../stacks/deciding/inputs-of.ts";
import type { PastStack } from "../../../../stacks/past.ts";
import { planStack } from "../../../../stacks/plan.ts";
import { labInput } from "../../helpers/config-stack.ts";
import { liveRecord } from "../../helpers/records.ts";

const now = Date.parse("2026-03-01T12:00:00.000Z");
const past: Pick<PastStack, "guests"> = {
  guests: ["vm1", "vm2"].map((name) => ({
    name,
    uuid: `${name}-id`,
    host: "host1",
    programs: [],
    accelerator: "kvm",
  })),
};
const load: MeasuredLoad = {
  guests: {
    "vm1-id": { meanCpus: 0.5, p95Cpus: 0.9, coveredSeconds: 3000 },
    "vm2-id": { meanCpus: 0.1, p95Cpus: 0.2, coveredSeconds: 60 },
  },
  hosts: { host1: { cpus: 8, baseCpus: 0.3, coveredSeconds: 3000 } },
  silent: {},
};

function inputs(
  more: Partial<StackInput> = {},
  found: Partial<Parameters<typeof inputsOf>[4]> = {},
  switchings: PastStack["switchings"] = {},
) {
  const config = parseStackConfig(
    labInput({
      guests: [{ name: "vm1", vcpus: 2 }, { name: "vm2" }, { name: "vm3" }],
      placement: {},
      policy: { kind: "balance" },
      ...more,
    }),
    "lab",
  );
  if (config.policy === undefined) throw new Error("it has one");
  return inputsOf(
    config,
    config.policy,
    planStack(config, "lab"),
    { ...past, switchings },
    {
      memoryMiB: { host1: 8192, host2: 8192 },
      cpus: { host1: 4, host2: 4 },
      homes: { vm1: "host1", vm2: "host2" },
      records: [],
      ms: now,
      ...found,
    },
  );
}

describe("what a decision follows from", () => {
  it("has each guest's load: its mean where hosts are evened out, its peaks where they are to hold more", () => {
    expect(inputs({}, { load }).cluster.guests[0]).toMatchObject({ name: "vm1", vcpus: 2, busyCpus: 0.5 });
    const emptied = inputs({ policy: { kind: "consolidate" } }, { load });
    expect(emptied.cluster.guests[0]).toMatchObject({ busyCpus: 0.9 });
  });

  it("says of which guests no load is known yet", () => {
    const { cluster, assumed } = inputs({}, { load });
    expect(assumed).toEqual(["vm2"]);
    expect(cluster.guests[1]).toMatchObject({ name: "vm2", busyCpus: 0.25 });
    expect(cluster.guests[2]).not.toHaveProperty("busyCpus");
  });

  it("has hosts' CPUs as they are declared, and what they need of them", () => {
    expect(inputs({}, { load }).cluster.hosts).toMatchObject([
      { name: "host1", cpus: 4, busyCpus: 0.3 },
      { name: "host2", cpus: 4 },
    ]);
    expect(inputs().cluster.guests.every((guest) => guest.busyCpus === undefined)).toBe(true);
  });

  it("has what a move of each guest that is there is predicted to be like", () => {
    const { guests } = inputs().cluster;
    expect(guests[0]?.move).toMatchObject({ converges: true, totalMs: expect.any(Number) });
    expect(guests[2]).not.toHaveProperty("move");
  });

  it("has whose move would cost more than it may, by its own limit or that of all", () => {
    const strict = { migration: { slo: { maxDowntimeMs: 1 } } };
    expect(inputs(strict).overSlo).toEqual({
      vm1: expect.stringMatching(/^a downtime of \d+ ms \(migration.slo.maxDowntimeMs is 1\)$/),
      vm2: expect.any(String),
    });
    const guests = [{ name: "vm1", migration: { slo: { maxDowntimeMs: 60_000 } } }, { name: "vm2" }];
    expect(Object.keys(inputs({ ...strict, guests }).overSlo)).toEqual(["vm2"]);
    expect(inputs().overSlo).toEqual({});
  });

  it("has who rests, but for those that are placed", () => {
    const { totalMs } = liveRecord();
    const startedAt = new Date(now - 60_000 - totalMs).toISOString();
    const records = [{ ...liveRecord(), guest: "vm1", startedAt }];
    expect(Object.keys(inputs({}, { records }).rests)).toEqual(["vm1"]);
    expect(inputs({ placement: { vm1: "host1" } }, { records }).rests).toEqual({});
  });

  it("has which hosts rest, for a policy that switches hosts", () => {
    const since = new Date(now - 60_000).toISOString();
    const switchings = { host2: { desired: "on" as const, since } };
    const restsOf = (kind: "balance" | "consolidate") =>
      inputs({ policy: { kind } }, {}, switchings).hostRests;
    expect(restsOf("consolidate")).toEqual({ host2: { state: "on", until: "2026-03-01T12:14Z" } });
    expect(restsOf("balance")).toEqual({});
  });

  it("has new guests that nobody placed", () => {
    expect(inputs().newcomers).toEqual(["vm3"]);
    expect(inputs({ placement: { vm3: "host2" } }).newcomers).toEqual([]);
  });
});
