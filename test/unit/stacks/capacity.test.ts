import { describe, expect, it } from "vitest";
import { checkCapacity } from "../../../stacks/capacity.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
import { labShares } from "../../../stacks/lab-shares.ts";
import { planStack } from "../../../stacks/plan.ts";
import { labInput, metalInput } from "../helpers/config-stack.ts";

const plan = (input: StackInput) => planStack(parseStackConfig(input, "test"), "test");
const sized = (vm1: number, vm2: number) => [
  { name: "vm1", memoryMiB: vm1 },
  { name: "vm2", memoryMiB: vm2 },
];
const together = { vm1: "host1", vm2: "host1" };

describe("the memory of hosts", () => {
  it("is enough up to what the host keeps for itself", () => {
    const stack = plan(metalInput({ guests: sized(1536, 2048), placement: together }));
    expect(checkCapacity(stack, { host1: 4096, host2: 1024 })).toEqual([]);
    expect(checkCapacity(stack, { host1: 4095, host2: 1024 })).toEqual([
      {
        path: "testbed:placement",
        problem: "vm1 (1536) and vm2 (2048) need 3584 MiB on host1, which has 4095 MiB",
        fix: "place one elsewhere, or take 1 MiB from them (host1 keeps 512 MiB)",
      },
    ]);
  });

  it("cannot hold a guest that is larger", () => {
    const stack = plan(metalInput({ guests: sized(1024, 8192) }));
    expect(checkCapacity(stack, { host1: 8192, host2: 8192 })).toEqual([
      {
        path: "testbed:guests[1].memoryMiB",
        problem: "vm2 is to have 8192 MiB on host2, which has 8192 MiB",
        fix: "give it at most 7680 MiB (host2 keeps 512 MiB), or place it on a larger host",
      },
    ]);
  });

  it("is not judged for a host that was not asked", () => {
    expect(checkCapacity(plan(metalInput({ guests: sized(1024, 8192) })), { host1: 2048 })).toEqual([]);
    expect(checkCapacity(plan(labInput()), {})).toEqual([]);
  });

  it("is enough up to what is reserved on a host, where that is said", () => {
    const hosts = [
      { name: "host1", address: "192.0.2.11", reserveMiB: 1024 },
      { name: "host2", address: "192.0.2.12" },
    ];
    const stack = plan(metalInput({ hosts, guests: sized(1536, 2048), placement: together }));
    expect(checkCapacity(stack, { host1: 4608, host2: 1024 })).toEqual([]);
    expect(checkCapacity(stack, { host1: 4607, host2: 1024 })).toMatchObject([
      { fix: "place one elsewhere, or take 1 MiB from them (host1 keeps 1024 MiB)" },
    ]);
  });

  it("is one machine's in the lab, where a guest that moves is there twice", () => {
    const stack = plan(labInput({ guests: sized(1024, 2048) }));
    const on = (memoryMiB: number) =>
      checkCapacity(stack, { host1: memoryMiB, host2: memoryMiB }, { memoryMiB, cpus: 2 });
    expect(on(5632)).toEqual([]);
    expect(on(5631)).toEqual([
      {
        path: "testbed:guests",
        problem:
          "vm1 (1024) and vm2 (2048) need 5120 MiB while the largest moves, and this machine has 5631 MiB",
        fix: "take memory from them until it fits into 5119 MiB (the lab keeps 512 MiB), or leave one out",
      },
    ]);
  });
});

describe("a lab's host with a size of its own", () => {
  const machine = { memoryMiB: 16_384, cpus: 4 };
  const lab = (host1: object, guests = sized(1024, 2048)) =>
    plan(labInput({ hosts: [{ name: "host1", ...host1 }, { name: "host2" }], guests, placement: together }));
  const check = (stack: ReturnType<typeof plan>, host1: number) =>
    checkCapacity(stack, { host1, host2: machine.memoryMiB }, machine);

  it("is full when its own memory is", () => {
    expect(check(lab({ memoryMiB: 3584 }), 3584)).toEqual([]);
    expect(check(lab({ memoryMiB: 3583 }), 3583)).toEqual([
      {
        path: "testbed:placement",
        problem: "vm1 (1024) and vm2 (2048) need 3072 MiB on host1, which has 3583 MiB",
        fix: "place one elsewhere, or take 1 MiB from them (host1 keeps 512 MiB)",
      },
    ]);
  });

  it("has no more than there is", () => {
    expect(check(lab({ memoryMiB: 16_384, cpus: 4 }), 16_384)).toEqual([]);
    expect(check(lab({ memoryMiB: 16_385, cpus: 4.5 }), 16_385)).toEqual([
      {
        path: "testbed:hosts",
        problem: "host1 is to have 16385 MiB, and this machine has 16384 MiB",
        fix: "take 1 MiB from their memoryMiB",
      },
      {
        path: "testbed:hosts[0].cpus",
        problem: "host1 is to have 4.5 CPUs, and this machine has 4",
        fix: "give at most 4",
      },
    ]);
  });

  it("leaves the others as they were: on them as much fits as on the machine", () => {
    const small = labInput({
      hosts: [{ name: "host1", memoryMiB: 1024 }, { name: "host2" }],
      guests: sized(4096, 4096),
      placement: { vm1: "host2", vm2: "host2" },
    });
    expect(check(plan(small), 1024)).toEqual([]);
  });

  it("counts as it is for a policy, the others as an even share", () => {
    const { hosts } = lab({ memoryMiB: 3584 });
    expect(labShares(hosts, machine)).toEqual({
      host1: { memoryMiB: 3584, cpus: 2 },
      host2: { memoryMiB: 8192, cpus: 2 },
    });
    expect(labShares([{ name: "a" }, { name: "b" }, { name: "c" }], machine)).toMatchObject({
      c: { memoryMiB: 5461, cpus: 4 / 3 },
    });
  });
});

describe("the memory of hosts that take in drained guests", () => {
  it("is judged with them, and draining is what can be fixed", () => {
    const stack = plan(metalInput({ guests: sized(1024, 2048), drain: ["host2"] }));
    expect(checkCapacity(stack, { host1: 3584, host2: 1024 })).toEqual([]);
    expect(checkCapacity(stack, { host1: 3583, host2: 1024 })).toEqual([
      {
        path: "testbed:drain",
        problem: "vm1 (1024) and vm2 (2048, drained from host2) need 3072 MiB on host1, which has 3583 MiB",
        fix: "leave host2 out of drain, add a host, or take 1 MiB from them (host1 keeps 512 MiB)",
      },
    ]);
  });

  it("cannot hold a guest that is larger than the host it comes to", () => {
    const stack = plan(metalInput({ guests: sized(512, 8192), drain: ["host2"] }));
    expect(checkCapacity(stack, { host1: 4096, host2: 16384 })).toEqual([
      {
        path: "testbed:guests[1].memoryMiB",
        problem: "vm2, placed on host2 (drained), is to have 8192 MiB on host1, which has 4096 MiB",
        fix: "give it at most 3584 MiB (host1 keeps 512 MiB), or leave host2 out of drain",
      },
    ]);
  });
});
