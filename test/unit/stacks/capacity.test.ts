import { describe, expect, it } from "vitest";
import { checkCapacity } from "../../../stacks/capacity.ts";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
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

  it("is one machine's in the lab, where a guest that moves is there twice", () => {
    const stack = plan(labInput({ guests: sized(1024, 2048) }));
    expect(checkCapacity(stack, { host1: 5632, host2: 5632 })).toEqual([]);
    expect(checkCapacity(stack, { host1: 5631, host2: 5631 })).toEqual([
      {
        path: "testbed:guests",
        problem:
          "vm1 (1024) and vm2 (2048) need 5120 MiB while the largest moves, and this machine has 5631 MiB",
        fix: "take memory from them until it fits into 5119 MiB (the lab keeps 512 MiB), or leave one out",
      },
    ]);
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
