import { expect, test } from "vitest";
import { parseStackConfig } from "../../../../stacks/checks/parse.ts";
import { besideOthers } from "../../../../stacks/deciding/at-once.ts";
import { planStack } from "../../../../stacks/plan.ts";
import { labInput } from "../../helpers/config-stack.ts";

const names = ["vm1", "vm2", "vm3", "vm4"];
const home = (host: string) => names.map((name) => ({ name, host }));

/** With how many others each guest is to share that moves from host1, by where it is to be. */
function othersOf(
  placement: Record<string, string>,
  {
    concurrentPerHost = 4,
    mode = "live" as "live" | "cold",
    memoryMiB = 512,
    after = {} as Record<string, string[]>,
    past = home("host1") as { name: string; host: string }[],
    lost = [] as string[],
  } = {},
): (number | undefined)[] {
  const config = parseStackConfig(
    labInput({
      hosts: ["host1", "host2", "host3"].map((name) => ({ name })),
      guests: names.map((name) => ({ name, memoryMiB: name === "vm1" ? memoryMiB : 512 })),
      placement: Object.fromEntries(names.map((name) => [name, placement[name] ?? "host1"])),
      migration: { concurrentPerHost, mode },
    }),
    "lab",
  );
  const plan = planStack(config, "lab");
  const guests = plan.guests.map((guest) => ({
    ...guest,
    ...(after[guest.name] && { after: after[guest.name] }),
  }));
  return besideOthers({ ...plan, guests, lost }, past).map(({ others }) => others);
}
const all = (host: string) => Object.fromEntries(names.map((name) => [name, host]));

test("guests that move at the same time share their hosts, as far as these take part in so many moves", () => {
  expect(othersOf(all("host2"))).toEqual([3, 3, 3, 3]);
  expect(othersOf(all("host2"), { concurrentPerHost: 2 })).toEqual([1, 1, 1, 1]);
  expect(othersOf({ vm1: "host2", vm2: "host3" })).toEqual([1, 1, undefined, undefined]);
  // A smaller one is with it for half of its time.
  expect(othersOf({ vm1: "host2", vm2: "host2" }, { memoryMiB: 1024 })).toEqual([
    0.5,
    1,
    undefined,
    undefined,
  ]);
});

test("one that moves alone shares with none, nor does one that stays, is new, or is booted", () => {
  const none = names.map(() => undefined);
  expect(othersOf({ vm1: "host2" })).toEqual(none);
  expect(othersOf(all("host2"), { concurrentPerHost: 1 })).toEqual(none);
  expect(othersOf(all("host1"))).toEqual(none);
  expect(othersOf(all("host2"), { past: [] })).toEqual(none);
  expect(othersOf(all("host2"), { past: home("") })).toEqual(none);
  expect(othersOf(all("host2"), { lost: ["host1"] })).toEqual(none);
  expect(othersOf(all("host2"), { mode: "cold" })).toEqual(none);
});

test("those that come one after the other do not share, and waves do within themselves", () => {
  const chain = { vm2: ["vm1"], vm3: ["vm2"], vm4: ["vm3"] };
  expect(othersOf(all("host2"), { after: chain })).toEqual([undefined, undefined, undefined, undefined]);
  const waves = { vm3: ["vm1", "vm2"], vm4: ["vm1", "vm2"] };
  expect(othersOf(all("host2"), { after: waves })).toEqual([1, 1, 1, 1]);
});
