import { describe, expect, test } from "vitest";
import { checkAnswers } from "../../../stacks/answers.ts";
import { checkCapacity } from "../../../stacks/capacity.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
import {
  checkLostHosts,
  checkOffHosts,
  hostsOff,
  mayHaveSwitched,
  switchedHosts,
} from "../../../stacks/off-hosts.ts";
import { hostSizes, mountsFrom, type PastStack, pastStackOf } from "../../../stacks/past.ts";
import { type Known, planStack } from "../../../stacks/plan.ts";
import { probed } from "../../component/hosts.ts";
import { labInput, metalInput, mistakesIn } from "../helpers/config-stack.ts";

const three = ["host1", "host2", "host3"].map((name) => ({ name }));
const plan = (input: StackInput, known?: Known) => planStack(parseStackConfig(input, "mine"), "mine", known);
const lab = (changes: Partial<StackInput> = {}) => labInput({ hosts: three, off: ["host2"], ...changes });
const commands = { off: "poweroff-it", on: "poweron-it" };
const metal = (power: object = commands) =>
  metalInput({
    hosts: [
      { name: "host1", address: "192.0.2.11" },
      { name: "host2", address: "192.0.2.12", power },
    ],
    off: ["host2"],
  });

describe("a host that is to be off", () => {
  test("is drained, and its guests are placed elsewhere for that reason", () => {
    const { drained, off, guests, hosts } = plan(lab({ drain: ["host3"] }));
    expect(drained).toEqual(["host3", "host2"]);
    expect(off).toEqual([{ host: "host2", reason: "testbed:off names it" }]);
    expect(guests[1]).toMatchObject({ host: "host1", reason: { kind: "off", host: "host2" } });
    expect(hosts.map(({ power }) => power?.desired)).toEqual([undefined, "off", undefined]);
  });

  test("may be one that a policy has emptied", () => {
    const emptied = [{ host: "host3", reason: "policy consolidate" }];
    const { drained, off, hosts } = plan(lab(), { emptied });
    expect(drained).toEqual(["host2", "host3"]);
    expect(off.map(({ reason }) => reason)).toEqual(["testbed:off names it", "policy consolidate"]);
    expect(hosts[2]?.power).toMatchObject({ desired: "off", isOff: false });
    expect(plan(lab(), { emptied: [{ host: "host2", reason: "x" }] }).off).toHaveLength(1);
  });

  test("is switched on again as long as an update has switched it, and other hosts never are", () => {
    const { hosts } = plan(lab({ off: [] }), { switched: ["host2"], areOff: ["host2"] });
    expect(hosts.map(({ power }) => power)).toEqual([
      undefined,
      { desired: "on", isOff: true, commands: {}, wakeSeconds: 180 },
      undefined,
    ]);
  });

  test("has the commands that are declared, and its watts", () => {
    const more = { status: "say", meter: "measure" };
    const { hosts } = plan(metal({ ...commands, ...more, wakeSeconds: 60, idleW: 95, peakW: 260 }));
    expect(hosts[1]).toMatchObject({
      power: { commands: { ...commands, ...more }, wakeSeconds: 60 },
      watts: { idleW: 95, peakW: 260 },
    });
    expect(plan(metalInput()).hosts[0]).not.toHaveProperty("watts");
  });

  test("is what can be fixed where its guests fit nowhere else", () => {
    const guests = [
      { name: "vm1", memoryMiB: 4096 },
      { name: "vm2", memoryMiB: 4096 },
    ];
    const fixOf = (drain: string[], off: string[]) => {
      const input = metalInput({
        hosts: [1, 2, 3].map((n) => ({ name: `host${n}`, address: `192.0.2.1${n}`, power: commands })),
        guests,
        placement: { vm1: "host2", vm2: "host3" },
        ...{ drain, off },
      });
      const sizes = { host1: 4700, host2: 4700, host3: 4700 };
      return checkCapacity(plan(input, { memoryMiB: sizes }), sizes)[0]?.fix;
    };
    expect(fixOf([], ["host2", "host3"])).toMatch(/^leave host2 and host3 out of off, add a host/);
    expect(fixOf(["host2"], ["host3"])).toMatch(/^leave host2 and host3 out of drain and off, add a host/);
  });
});

describe("mistakes", () => {
  const first = (input: StackInput) => mistakesIn(input)[0];

  test("are a host that is not there, and no host left", () => {
    expect(first(lab({ off: ["host9"] }))).toMatchObject({
      path: "testbed:off[0]",
      problem: 'there is no host "host9"',
    });
    const all = ["host1", "host2", "host3"];
    expect(first(lab({ off: all }))).toEqual({
      path: "testbed:off",
      problem: "all hosts are to be off",
      fix: "leave out one of host1, host2 and host3, or add a host",
    });
    expect(first(lab({ drain: ["host1"], off: ["host2", "host3"] }))?.problem).toBe(
      "all hosts are to be off or drained",
    );
  });

  test("are a guest whose disk lies there", () => {
    const guests = [{ name: "vm1" }, { name: "vm2", redo: "local" as const }];
    expect(first(lab({ guests }))).toEqual({
      path: "testbed:off[0]",
      problem: "vm2, placed on host2, has its disk there (redo: local)",
      fix: "place it elsewhere (placement.vm2), or leave host2 out of off",
    });
    expect(mistakesIn(lab({ guests, placement: { vm1: "host2", vm2: "host1" } }))).toEqual([]);
  });

  test("are a machine that can't be switched, while the lab has commands of its own", () => {
    expect(first(metal({ off: "x" }))).toEqual({
      path: "testbed:hosts[1].power",
      problem: "host2 is to be off, and there is no command to switch it on",
      fix: "give power.on, or leave host2 out of off",
    });
    expect(mistakesIn(metal())).toEqual([]);
    expect(mistakesIn(lab())).toEqual([]);
  });

  test("are not a meter alone, of a host that nobody switches", () => {
    expect(mistakesIn({ ...metal({ meter: "measure" }), off: [] })).toEqual([]);
    expect(
      mistakesIn(labInput({ hosts: [{ name: "host1", power: { meter: "measure" } }, { name: "host2" }] })),
    ).toEqual([]);
  });

  test("are watts that go down with the load, and a command without a word", () => {
    expect(first(metal({ ...commands, idleW: 100, peakW: 99 }))?.problem).toBe(
      "99 W is less than idleW, 100 W",
    );
    expect(first(metal({ ...commands, status: "  " }))).toMatchObject({
      path: "testbed:hosts[1].power.status",
      problem: "this secret does not fit",
    });
  });
});

describe("which hosts are off", () => {
  const resource = (type: string, outputs: object) => ({
    type: `pulumi-nodejs:dynamic/testbed:${type}`,
    outputs,
  });
  const past = (...powers: ["on" | "off", string][]): PastStack =>
    pastStackOf(powers.map(([desired, host]) => resource("HostPower", { desired, host })));

  test("is asked only where one may have been switched", () => {
    const off = plan(lab({ off: [] }));
    expect(mayHaveSwitched(pastStackOf([]), off)).toBe(false);
    expect(mayHaveSwitched(past(["on", "host2"]), off)).toBe(false);
    expect(mayHaveSwitched(past(["off", "host2"]), off)).toBe(true);
    expect(mayHaveSwitched(pastStackOf([]), plan(lab()))).toBe(true);
    // An update that was killed had not come to the host's own resource.
    const common = { page: "p", hosts: {} };
    const begun = pastStackOf([resource("Cluster", { common, earlier: [], mayBeOff: ["host2"] })]);
    expect(mayHaveSwitched(begun, off)).toBe(true);
  });

  test("tells when and why each host was switched last", () => {
    const since = "2026-03-01T12:00:00.000Z";
    const state = [
      resource("HostPower", {
        host: "host2",
        desired: "off",
        since,
        reason: "testbed:off names it",
        boot: "",
      }),
      resource("HostPower", { host: "host3", desired: "on", since, boot: "b" }),
    ];
    expect(pastStackOf(state).switchings).toEqual({
      host2: { desired: "off", since, reason: "testbed:off names it" },
      host3: { desired: "on", since },
    });
    expect(pastStackOf([])).not.toHaveProperty("switchings");
  });

  test("is those that were switched off and are silent; one that answers was switched on by somebody", () => {
    const known = past(["off", "host2"], ["on", "host3"]);
    expect(hostsOff(known, plan(lab()), [], ["host1", "host2", "host3"])).toEqual(["host2"]);
    expect(hostsOff(known, plan(lab()), [], ["host3"])).toEqual([]);
    expect(hostsOff(known, plan(lab()), ["host3"], ["host3"])).toEqual(["host3"]);
    expect(hostsOff(pastStackOf([]), plan(lab()), ["gone"], ["gone"])).toEqual([]);
    expect(switchedHosts(known, ["host1", "host2"])).toEqual(["host2", "host3", "host1"]);
  });

  test("from them no answer is awaited", () => {
    const answers = ["storage", "host1", "host2"].map((name) => ({ name, reason: "does not answer" }));
    const asked = (areOff: string[]) => checkAnswers(plan(metal()), answers, areOff).map(({ path }) => path);
    expect(asked([])).toEqual(["testbed:storage", "testbed:hosts[0]", "testbed:hosts[1]"]);
    expect(asked(["host2"])).toEqual(["testbed:storage", "testbed:hosts[0]"]);
  });
});

describe("what can't be done", () => {
  test("is to switch off a host with guests of others; one that is off was looked at before", () => {
    const strangers = { host2: ["db", "web"] };
    expect(checkOffHosts(plan(lab()), [], strangers, undefined)).toEqual([
      {
        path: "testbed:off",
        problem: "host2 is to be off, and has db and web, which are not of this testbed",
        fix: "take them from that host, or leave host2 out of off",
      },
    ]);
    expect(checkOffHosts(plan(lab()), ["host2"], strangers, undefined)).toEqual([]);
    expect(checkOffHosts(plan(lab({ off: [] })), [], strangers, undefined)).toEqual([]);
  });

  test("is what all hosts take part in, while one is off and stays so", () => {
    expect(checkOffHosts(plan(lab()), ["host2"], {}, "all hosts get a new key")).toEqual([
      {
        path: "testbed:off",
        problem: "host2 is off, and all hosts get a new key",
        fix: "leave host2 out of off, run `pulumi up`, and make this change then",
      },
    ]);
    expect(checkOffHosts(plan(lab({ off: [] })), ["host2"], {}, "all hosts get a new key")).toEqual([]);
  });
});

describe("a host that is lost", () => {
  const status = { ...commands, status: "say" };
  const lostLab = (changes: Partial<StackInput> = {}) => lab({ off: [], lost: ["host2"], ...changes });
  const lostMetal = (power: object) => ({ ...metal(power), off: [], lost: ["host2"] });
  const past = (changes: Partial<PastStack> = {}): PastStack => ({ ...pastStackOf([]), ...changes });

  test("is drained, its guests are placed elsewhere for that reason, and it is fenced", () => {
    const { drained, lost, guests, hosts } = plan(lostMetal(status), { switched: ["host2"] });
    expect([drained, lost]).toEqual([["host2"], ["host2"]]);
    expect(guests[1]).toMatchObject({ host: "host1", reason: { kind: "lost", host: "host2" } });
    expect(hosts[1]).toMatchObject({ fence: { commands: status, wakeSeconds: 180 } });
    expect(hosts[1]).not.toHaveProperty("power");
    expect(hosts[0]).not.toHaveProperty("fence");
  });

  test("has guests for which there must be room, or what is missing is said", () => {
    const input = {
      ...lostMetal(status),
      guests: [
        { name: "vm1", memoryMiB: 1024 },
        { name: "vm2", memoryMiB: 2048 },
      ],
    };
    const room = { host1: 3000, host2: 9000 };
    expect(checkCapacity(plan(input, { memoryMiB: room }), room)).toMatchObject([
      {
        problem: "vm1 (1024) and vm2 (2048, drained from host2) need 3072 MiB on host1, which has 3000 MiB",
        fix: "leave host2 out of lost, add a host, or take 584 MiB from them (host1 keeps 512 MiB)",
      },
    ]);
  });

  test.each<[string, StackInput, string]>([
    ["is not there", lostLab({ lost: ["host9"] }), 'testbed:lost[0]: there is no host "host9"'],
    ["is to be off", lostLab({ off: ["host2"] }), "testbed:lost[0]: host2 is to be off, too"],
    [
      "is the last",
      lostLab({ off: ["host1"], drain: ["host3"] }),
      "testbed:lost: all hosts are lost, off or drained",
    ],
    [
      "has a guest's disk",
      lostLab({ guests: [{ name: "vm1" }, { name: "vm2", redo: "local" }] }),
      "testbed:lost[0]: vm2, placed on host2, has its disk there (redo: local), which nobody else can read",
    ],
  ])("is a mistake if it %s", (_, input, says) => {
    expect(mistakesIn(input).map(({ path, problem }) => `${path}: ${problem}`)).toEqual([says]);
  });

  const problems = (before: PastStack, input: StackInput, answering: string[] = []) =>
    checkLostHosts(before, plan(input), answering).map(({ problem }) => problem);

  test("is a mistake if it answers, unless it was fenced before and came back", () => {
    const says = ["host2 answers over SSH, so its guests may run"];
    expect(problems(past(), lostLab(), ["host2"])).toEqual(says);
    expect(problems(past(), lostLab(), [])).toEqual([]);
    expect(problems(past({ fenced: ["host2"] }), lostLab(), ["host2"])).toEqual([]);
  });

  test("is a mistake if nothing can prove that it is off, in a preview already", () => {
    expect(problems(past(), lostMetal(commands))).toEqual([
      "nothing can prove that host2 writes to no disk: there is no power.status, and from which address it mounts the export is not known",
    ]);
    const found = { mountsFrom: { host2: "10.0.0.2" } };
    expect(checkLostHosts(past(), plan(lostMetal(commands), found), [])).toEqual([]);
    expect(plan(lostMetal(commands), found).hosts[1]?.fence).toMatchObject({ mountsFrom: "10.0.0.2" });
    expect(problems(past(), lostMetal(status))).toEqual([]);
    expect(problems(past({ fenced: ["host2"] }), lostMetal(commands))).toEqual([]);
  });

  test("is a mistake if it was switched off, or a guest's disk was last there", () => {
    const off = past({ switched: { off: ["host2"], on: [], perhapsOff: [] } });
    expect(problems(off, lostLab())).toEqual(["host2 is off, and no guest is on it"]);
    const input = lostLab({ guests: [{ name: "vm1", redo: "local" }, { name: "vm2" }] });
    const guests = [{ name: "vm1", uuid: "u", host: "host2", programs: [] }];
    expect(problems(past({ guests }), input)).toEqual([
      "vm1 was on host2 with the disk (redo: local), which nobody else can read",
    ]);
  });

  test("is known from earlier updates, and keeps what needs all hosts from being done", () => {
    const type = "pulumi-nodejs:dynamic/testbed:Fence";
    expect(pastStackOf([{ type, outputs: { host: "host2" } }]).fenced).toEqual(["host2"]);
    expect(checkOffHosts(plan(lostLab()), [], {}, "all hosts get a new key")).toMatchObject([
      { path: "testbed:lost", problem: "host2 is off, and all hosts get a new key" },
    ]);
  });
});

test("from which address a host mounts the export is what its command found in this stack", () => {
  const client = (stack: string, host: string) =>
    `urn:pulumi:${stack}::p::testbed:index:Testbed$testbed:index:NfsPool$command:remote:Command::${stack}-pool-${host}-client`;
  const resources = {
    [client("a-pool-b", "host2")]: { type: "command:remote:Command", outputs: { stdout: "10.0.0.2" } },
    [client("a-pool-b", "x-pool-host2")]: { type: "command:remote:Command", outputs: { stdout: "10.0.0.3" } },
    [client("a-pool-b", "host4")]: { type: "command:remote:Command", outputs: {} },
    [client("a-pool-b", "server").replace("-client", "")]: {
      type: "command:remote:Command",
      outputs: { stdout: "x" },
    },
  };
  expect(mountsFrom(resources, "a-pool-b")).toEqual({ host2: "10.0.0.2", "x-pool-host2": "10.0.0.3" });
});

test("what a host had when it was prepared last is read from what its probe said then", () => {
  const urn = (host: string, kind: string) =>
    `urn:pulumi:a::kvm-migration-testbed::testbed:index:Testbed$testbed:index:KvmHost$command:remote:Command::${host}-${kind}`;
  const outputs = { stdout: JSON.stringify(probed) };
  const resources = {
    [urn("host1", "probe")]: { type: "command:remote:Command", outputs },
    // It was not done yet.
    [urn("host2", "probe")]: { type: "command:remote:Command", outputs: {} },
    [urn("host3", "hypervisor")]: { type: "command:remote:Command", outputs },
    "urn:pulumi:a::kvm-migration-testbed::testbed:index:Testbed::a": {
      type: "testbed:index:Testbed",
      outputs: undefined,
    },
  };
  expect(hostSizes(resources)).toEqual({ host1: { memoryMiB: 16_000, cpus: 8 } });
});
