import type { StackInput } from "../../stacks/config.ts";
import type { LabStack } from "../lab/stack.ts";

/** A move that a fault strikes: of which guest, from where to where. */
export interface Struck {
  stack: LabStack;
  guest: string;
  from: string;
  to: string;
}

export type Moment = "start" | "middle" | "switchover";
export const modes = ["live", "postcopy", "offline", "cold"] as const;
export type Mode = (typeof modes)[number];

type Wait = (struck: Struck) => Promise<unknown>;

const intent = "/export/testbed/.migrations/*.json";
const moving = "/var/lib/kvm-migration-testbed/moving";
const state = (guest: string) => `virsh -c qemu:///system domstate --reason ${guest} 2>/dev/null`;

const start: Wait = ({ stack }) => stack.until("storage", `ls ${intent}`);

/** Waits until a move has come to a moment. */
export const moments: Record<Mode, Record<Moment, Wait>> = {
  live: {
    start,
    middle: ({ stack, guest, from }) =>
      stack.until(from, `virsh domjobinfo ${guest} | grep -qE "^Memory processed: *[0-9.]+ MiB"`),
    switchover: ({ stack, guest, from }) => stack.until(from, `${state(guest)} | grep -q paused`),
  },
  postcopy: {
    start,
    middle: ({ stack, guest, from }) => stack.until(from, `${state(guest)} | grep -q post-copy`),
    // Before that its CPUs stop at the source.
    switchover: ({ stack }) => stack.until("storage", `grep -q phase.:.postcopy ${intent}`),
  },
  offline: {
    start,
    middle: ({ stack, to }) => stack.until(to, `[ -s ${moving}/*.part ]`),
    switchover: ({ stack, guest, to }) => stack.until(to, `${state(guest)} | grep -q paused`),
  },
  cold: {
    start,
    middle: ({ stack, guest, from }) =>
      stack.until(from, `${state(guest)} | grep -qE "in shutdown|shut off"`),
    switchover: ({ stack, guest, to }) => stack.until(to, `${state(guest)} | grep -qE "shut off|running"`),
  },
};

/** How each mode is slowed down, so that its moments can be met. */
export const options: Record<Mode, Omit<NonNullable<StackInput["migration"]>, "mode">> = {
  // What can be sent within the downtime waits for the switchover, which takes that long then.
  live: { bandwidthMiBps: 32, maxDowntimeMs: 2000, timeoutMs: 120_000 },
  // What is left of the memory then takes some seconds.
  postcopy: { bandwidthMiBps: 16, timeoutMs: 120_000 },
  offline: { timeoutMs: 120_000 },
  cold: { timeoutMs: 120_000 },
};
