import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import type { StackInput } from "../../../stacks/config.ts";
import { type Mistake, StackConfigError } from "../../../stacks/mistake.ts";

/** The smallest lab; tests say what is different. */
export function labInput(changes: Partial<StackInput> = {}): StackInput {
  return {
    lab: {},
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1" }, { name: "vm2" }],
    placement: { vm1: "host1", vm2: "host2" },
    ...changes,
  };
}

/** The smallest stack of one's own machines. */
export function metalInput(changes: Partial<StackInput> = {}): StackInput {
  const { lab: _, ...rest } = labInput();
  return {
    ...rest,
    storage: { address: "192.0.2.10" },
    hosts: [
      { name: "host1", address: "192.0.2.11" },
      { name: "host2", address: "192.0.2.12" },
    ],
    ...changes,
  };
}

/** All that is wrong in a config; nothing when it is accepted. */
export function mistakesIn(raw: unknown, stack = "lab"): readonly Mistake[] {
  try {
    parseStackConfig(raw, stack);
    return [];
  } catch (error) {
    if (error instanceof StackConfigError) return error.mistakes;
    throw error;
  }
}
