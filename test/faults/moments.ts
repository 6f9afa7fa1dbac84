import type { StackInput } from "../../stacks/config.ts";
import type { LabStack } from "../lab/stack.ts";
import { ownPort } from "./network-faults.ts";
import { intents } from "./storage-faults.ts";

/** A move that a fault strikes: of which guest, from where to where. */
export interface Struck {
  stack: LabStack;
  guest: string;
  from: string;
  to: string;
}

/** beforehand: what goes wrong is there when the move is asked for. */
export type Moment = "beforehand" | "start" | "middle" | "switchover";
export const modes = ["live", "postcopy", "hybrid", "offline", "cold"] as const;
export type Mode = (typeof modes)[number];

type Wait = (struck: Struck) => Promise<unknown>;

const intent = `${intents}/*.json`;
const moving = "/var/lib/kvm-migration-testbed/moving";
const state = (guest: string) => `virsh -c qemu:///system domstate --reason ${guest} 2>/dev/null`;

const start: Wait = ({ stack }) => stack.until("storage", `ls ${intent}`);

const sending: Wait = ({ stack, guest, from }) =>
  stack.until(from, `virsh domjobinfo ${guest} | grep -qE "^Memory processed: *[0-9.]+ MiB"`);

/** Waits until a move has come to a moment. */
export const moments: Record<Mode, Record<Exclude<Moment, "beforehand">, Wait>> = {
  live: {
    start,
    middle: sending,
    switchover: ({ stack, guest, from }) => stack.until(from, `${state(guest)} | grep -q paused`),
  },
  postcopy: {
    start,
    // The destination's libvirtd waits for its end by then; before, it would end what it does not know yet.
    middle: ({ stack, guest, to }) => stack.until(to, `${state(guest)} | grep -q "running (post-copy"`),
    // Before that its CPUs stop at the source.
    switchover: ({ stack }) => stack.until("storage", `grep -q phase.:.postcopy ${intent}`),
  },
  // Its middle is the pre-copy; right after its switchover it is a post-copy.
  hybrid: {
    start,
    middle: sending,
    switchover: ({ stack, guest, from }) => stack.until(from, `${state(guest)} | grep -q post-copy`),
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

type Options = Omit<NonNullable<StackInput["migration"]>, "mode">;

/** How each mode is slowed down, so that its moments can be met. */
export const options: Record<Mode, Options> = {
  // What can be sent within the downtime waits for the switchover, which takes that long then.
  live: { bandwidthMiBps: 32, maxDowntimeMs: 2000, timeoutMs: 120_000 },
  // What is left of the memory then takes some seconds.
  postcopy: { bandwidthMiBps: 16, timeoutMs: 120_000 },
  // It would converge before its time with a longer pause.
  hybrid: { bandwidthMiBps: 32, maxDowntimeMs: 1, timeoutMs: 120_000 },
  offline: { timeoutMs: 120_000 },
  cold: { timeoutMs: 120_000 },
};

/** What a move takes on its way besides. (Compression of parallel connections takes libvirt 9.4, and the lab's is 9.0.) */
export const ways = {
  plain: {},
  tls: { transport: "tls" },
  tunnelled: { transport: "tunnelled" },
  parallel: { parallelConnections: 4 },
  "parallel, tls": { parallelConnections: 4, transport: "tls" },
  xbzrle: { compression: "xbzrle" },
  "auto-converge": { autoConverge: {} },
  "own port": { port: ownPort },
} satisfies Record<string, Options>;

export type Way = keyof typeof ways;
