import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { decidePlaces } from "../../../../stacks/asking/decide-places.ts";
import type { FoundGuests } from "../../../../stacks/asking/find-guests.ts";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../../stacks/config.ts";
import type { PastStack } from "../../../../stacks/past.ts";
import { planStack } from "../../../../stacks/plan.ts";
import { labInput, metalInput } from "../../helpers/config-stack.ts";

// A preview and its update, as two runs of the program; where guests are is told here instead of asked for.

const found: FoundGuests = { homes: {} };
vi.mock("../../../../stacks/asking/find-guests.ts", () => ({
  findGuests: async (_hosts: unknown, guests: readonly { name: string }[]) => ({
    ...found,
    homes: Object.fromEntries(guests.map(({ name }) => [name, found.homes[name]])),
  }),
}));

vi.mock("../../../../stacks/asking/ask-load.ts", () => ({ readLoad: async () => ({}) }));

const names = ["vm1", "vm2", "vm3"];
const input = (more: Partial<StackInput> = {}) =>
  labInput({
    guests: names.map((name) => ({ name, memoryMiB: 4096 })),
    placement: {},
    policy: { kind: "balance" },
    ...more,
  });
const past: PastStack = {
  guests: [...names, "vm4"].map((name) => ({
    name,
    uuid: name,
    host: "host1",
    programs: [],
    accelerator: "kvm",
  })),
  hosts: {},
};
const gib = (one: number, other: number) => ({ host1: one * 1024, host2: other * 1024 });

let folder = "";
const former = process.cwd();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "decide-"));
  process.chdir(folder);
  found.homes = Object.fromEntries(names.map((name) => [name, "host1"]));
  delete found.unseen;
});
afterEach(async () => {
  process.chdir(former);
  vi.useRealTimers();
  await rm(folder, { recursive: true });
});

async function run(phase: "preview" | "update", more: Partial<StackInput> = {}, memoryMiB = gib(32, 32)) {
  const config = parseStackConfig(input(more), "lab");
  const machines = { memoryMiB, cpus: { host1: 4, host2: 4 }, leftAlone: [] };
  const decided = await decidePlaces(config, planStack(config, "lab"), past, machines, phase === "preview");
  const { outcome } = decided?.decision ?? {};
  return {
    ...decided,
    moves: outcome?.isFeasible ? outcome.moves.map(({ guest, to }) => `${guest} > ${to}`) : [],
  };
}
const history = async () => {
  const text = await readFile("results/lab.decisions.jsonl", "utf8").catch(() => "");
  return text.split("\n").filter(Boolean);
};

describe("what a preview decided", () => {
  test("is done by the update, whatever hosts and loads are by then", async () => {
    const { moves } = await run("preview");
    expect(moves).toEqual(["vm1 > host2"]);
    // A preview alone changes nothing: it can be asked for as often as one likes.
    expect(await run("preview")).toMatchObject({ moves });
    expect(await run("update", {}, gib(32, 300))).toMatchObject({ moves });
    found.homes.vm1 = "host2";
    expect(await run("update", {}, gib(32, 300))).not.toMatchObject({ moves });
  });

  test("is kept once it was done, with all that it follows from", async () => {
    await run("preview");
    expect(await history()).toEqual([]);
    const { decision } = await run("update");
    expect((await history()).map((line) => JSON.parse(line))).toEqual([JSON.parse(JSON.stringify(decision))]);
  });

  test("is kept for the last twenty that moved a guest", async () => {
    for (let at = 0; at < 23; at++) {
      await run("update");
      await rm(".testbed", { recursive: true, force: true });
    }
    expect(await history()).toHaveLength(20);
    found.homes = { vm1: "host1", vm2: "host2", vm3: "host1" };
    expect(await run("update")).toMatchObject({ moves: [] });
    expect(await history()).toHaveLength(20);
  });

  describe("and an update did a part of, as it was told to (--target)", () => {
    // Two moves; only one of them is made.
    const sizes = gib(32, 32);
    const twice = () => ({
      guests: [...names, "vm4"].map((name) => ({ name, memoryMiB: 4096 })),
      policy: { kind: "balance" as const },
    });
    beforeEach(() => Object.assign(found.homes, { vm4: "host1" }));
    const runBoth = async () => {
      const { moves, decision } = await run("preview", twice(), sizes);
      expect(moves).toHaveLength(2);
      await run("update", twice(), sizes);
      const [[guest = "", host = ""] = []] = moves.map((move) => move.split(" > "));
      found.homes[guest] = host;
      return { moves, decision, guest };
    };

    test("is done with the rest of it by the next update, whatever hosts are like by then", async () => {
      const { moves, decision } = await runBoth();
      const { anew, ...rest } = await run("update", twice(), gib(32, 6));
      expect(anew).toBeUndefined();
      expect(rest).toMatchObject({ moves, decision: { at: decision?.at } });
      expect(await history()).toHaveLength(1);
    });

    test("is looked at afresh by the next preview, which leaves it where it is", async () => {
      const { moves, guest } = await runBoth();
      const next = await run("preview", twice(), sizes);
      expect(next.moves).toEqual(moves.filter((move) => !move.startsWith(guest)));
    });

    test("is none once the rest was done, too: then it is decided anew, and nothing is said of it", async () => {
      const { moves } = await runBoth();
      for (const move of moves) {
        const [guest = "", host = ""] = move.split(" > ");
        found.homes[guest] = host;
      }
      const next = await run("update", twice(), sizes);
      expect(next).toMatchObject({ moves: [] });
      expect(next).not.toHaveProperty("anew");
    });

    test("is none where only guests were moved that are placed, as where these are is not asked", async () => {
      const placement = Object.fromEntries(names.map((name) => [name, "host1"]));
      const affinity = [{ name: "r", apart: ["vm1", "vm2"], firm: false }];
      const drained = { placement, affinity, policy: undefined, drain: ["host1"] };
      expect((await run("update", drained, sizes)).moves).toHaveLength(3);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60 * 60_000 });
      expect(await run("update", drained, sizes)).not.toHaveProperty("anew");
    });

    test("is none if a guest was moved elsewhere meanwhile", async () => {
      await runBoth();
      found.homes.vm4 = "host2";
      expect(await run("update", twice(), sizes)).toMatchObject({ anew: "vm4 was found on host2" });
    });
  });

  test.each<[string, () => Partial<StackInput> | undefined, RegExp]>([
    ["the config", () => ({ drain: ["host1"] }), /^the stack's config was changed$/],
    ["a guest's place", () => void Object.assign(found.homes, { vm3: "host2" }), /^vm3 was found on host2$/],
    [
      "its age",
      () => void vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 }),
      /^the decision is 11 minutes old/,
    ],
  ])("is decided anew if %s is another, and it says so", async (_, change, why) => {
    await run("preview");
    const { anew } = await run("update", change() ?? {});
    expect(anew).toMatch(why);
  });

  test("is decided by the update itself, if there was no preview or it left something else", async () => {
    expect(await run("update")).toMatchObject({ moves: ["vm1 > host2"] });
    await run("preview");
    await import("node:fs/promises").then(({ writeFile }) =>
      writeFile(".testbed/lab/decision.json", '{"schema": 1'),
    );
    const again = await run("update");
    expect(again).toMatchObject({ moves: ["vm1 > host2"] });
    expect(again).not.toHaveProperty("anew");
  });
});

test("a host that is off counts with what it had, and guests may go there again", async () => {
  const { lab: _, hosts: __, ...rest } = input();
  const config = parseStackConfig(metalInput(rest), "lab");
  const machines = { memoryMiB: { host1: 14 * 1024 }, cpus: { host1: 4 }, leftAlone: ["host2"] };
  const sizes = { host1: { memoryMiB: 1, cpus: 1 }, host2: { memoryMiB: 32 * 1024, cpus: 8 } };
  const decided = await decidePlaces(config, planStack(config, "lab"), { ...past, sizes }, machines, true);
  expect(decided?.decision.inputs.cluster.hosts).toMatchObject([
    { name: "host1", memoryMiB: 14 * 1024, cpus: 4 },
    { name: "host2", memoryMiB: 32 * 1024, cpus: 8 },
  ]);
  expect(decided?.decision.outcome).toMatchObject({
    isFeasible: true,
    moves: expect.arrayContaining([expect.objectContaining({ to: "host2" })]),
  });
});

test("a stack without a policy is not asked about", async () => {
  const placement = Object.fromEntries(names.map((name) => [name, "host1"]));
  expect(await run("preview", { policy: undefined, placement })).toEqual({ moves: [] });
});

test("rules are kept while a host is drained, also without a policy", async () => {
  const hosts = ["host1", "host2", "host3"].map((name) => ({ name }));
  const placement = { vm1: "host1", vm2: "host2", vm3: "host3" };
  const affinity = [{ name: "r", guests: ["vm1"], on: ["host1", "host3"] }];
  const memory = { ...gib(32, 64), host3: 16 * 1024 };
  const drained = await run(
    "preview",
    { hosts, placement, affinity, policy: undefined, drain: ["host1"] },
    memory,
  );
  expect(drained.moves).toEqual(["vm1 > host3"]);
});

test("a host that does not answer is said, and guests count as where they were last seen", async () => {
  found.unseen = "Host host2 does not answer";
  expect(await run("preview")).toMatchObject({ unseen: "Host host2 does not answer" });
});
