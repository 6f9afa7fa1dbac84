import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { checkAnswers, type MachineAnswer, parseAnswer, question } from "../../../stacks/answers.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
import { planStack } from "../../../stacks/plan.ts";
import { metalInput } from "../helpers/config-stack.ts";

const plan = (input: StackInput) => planStack(parseStackConfig(input, "test"), "test");
const answer = (name: string, more: Partial<MachineAnswer> = {}): MachineAnswer => ({
  name,
  memoryMiB: 4096,
  cpus: 4,
  boot: "b",
  interfaces: ["lo", "eno1", "eno2"],
  hasKvm: true,
  ...more,
});

describe("what a machine says of itself", () => {
  it("is read as it is printed", () => {
    const printed =
      "boot 1b4e\nmemoryKiB 4046440\ncpus 8\ninterface eno1\ninterface lo\nkvm\nclaim lab SHA256:x\n";
    expect(parseAnswer("host1", printed)).toEqual({
      name: "host1",
      boot: "1b4e",
      memoryMiB: 3951,
      cpus: 8,
      interfaces: ["eno1", "lo"],
      hasKvm: true,
      claim: "lab SHA256:x",
    });
    expect(parseAnswer("host1", "boot 1b4e\nmemoryKiB 4046440\ncpus 8\n")).toMatchObject({
      interfaces: [],
      hasKvm: false,
    });
  });

  it("is asked in a way that this machine understands", () => {
    const { stdout } = spawnSync("bash", ["-c", question], { encoding: "utf8" });
    expect(parseAnswer("here", stdout)).toMatchObject({
      boot: expect.stringMatching(/^[0-9a-f-]{36}$/),
      memoryMiB: expect.any(Number),
      cpus: expect.any(Number),
      interfaces: expect.arrayContaining(["lo"]),
    });
  });

  it("is nothing when something else was printed", () => {
    expect(parseAnswer("host1", "This account is not available.\n")).toBeUndefined();
  });
});

describe("a bridge of a guest's further network card", () => {
  it("is on every host, unless the testbed makes it", () => {
    const stack = plan(
      metalInput({
        guests: [{ name: "vm1", nics: [{}, { bridge: "br9" }] }],
        placement: { vm1: "host1" },
      }),
    );
    const has = answer("host1", { interfaces: ["lo", "br9"] });
    expect(checkAnswers(stack, [has, answer("host2", { interfaces: ["br9"] })])).toEqual([]);
    expect(checkAnswers(stack, [has, answer("host2")])).toEqual([
      {
        path: "testbed:guests[0].nics[1].bridge",
        problem: "host2 has no bridge br9",
        fix: "make it on every host (a VLAN's bridge, say), or name one that all have",
      },
    ]);
  });
});

describe("machines that do not answer", () => {
  it("are mistakes with how they were tried and what happened", () => {
    const stack = plan(metalInput({ storage: { address: "192.0.2.10", port: 2210, user: "admin" } }));
    const answers = [
      { name: "storage", reason: "does not answer\n" },
      answer("host1"),
      { name: "host2", reason: "refuses this key" },
    ];
    expect(checkAnswers(stack, answers)).toEqual([
      {
        path: "testbed:storage",
        problem: "storage (admin@192.0.2.10 port 2210) does not answer",
        fix: "fix the machine, or its address, port, user or key here",
      },
      {
        path: "testbed:hosts[1]",
        problem: "host2 (root@192.0.2.12 port 22) refuses this key",
        fix: "fix the machine, or its address, port, user or key here",
      },
    ]);
    expect(checkAnswers(stack, [])).toEqual([]);
  });
});

describe("a machine of another testbed", () => {
  const stack = plan(metalInput());

  it("is a mistake, the stack's own is none", () => {
    const answers = [
      answer("storage", { claim: "test SHA256:abc" }),
      answer("host1", { claim: "other SHA256:abc" }),
    ];
    expect(checkAnswers(stack, answers)).toMatchObject([
      {
        path: "testbed:hosts[0]",
        problem: "host1 belongs to the testbed other, and a machine serves one",
        fix: expect.stringContaining("pulumi destroy --stack other"),
      },
    ]);
  });
});

describe("an uplink", () => {
  const stack = plan(metalInput({ bridge: { name: "br0", uplink: "eno2" } }));

  it("is to be on every host", () => {
    expect(
      checkAnswers(stack, [answer("host1"), answer("host2", { interfaces: ["lo", "ens3", "ens4"] })]),
    ).toEqual([
      {
        path: "testbed:bridge.uplink",
        problem: "host2 has no interface eno2; it has ens3 and ens4",
        fix: "name one that all hosts have, or make the bridge on this host yourself",
      },
    ]);
  });

  it("is not asked of a host that has the bridge, nor where there is to be none", () => {
    const bridged = answer("host2", { interfaces: ["br0", "lo"] });
    expect(checkAnswers(stack, [answer("host1"), bridged])).toEqual([]);
    const none = plan(metalInput({ bridge: { name: "br0", uplink: "none" } }));
    expect(checkAnswers(none, [answer("host1", { interfaces: ["lo"] })])).toEqual([]);
  });
});

describe("KVM", () => {
  const stack = plan(
    metalInput({
      hosts: [
        { name: "host1", address: "192.0.2.11", accelerator: "kvm" },
        { name: "host2", address: "192.0.2.12" },
      ],
    }),
  );

  it("is missing where it was asked for, and only there", () => {
    const without = [answer("host1", { hasKvm: false }), answer("host2", { hasKvm: false })];
    expect(checkAnswers(stack, without)).toMatchObject([
      {
        path: "testbed:hosts[0].accelerator",
        problem: "host1 is to run guests with KVM, and has no /dev/kvm",
      },
    ]);
  });
});
