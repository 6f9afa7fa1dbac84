import type { SshTarget } from "../ssh/target.ts";
import { type Mistake, pathText } from "./mistake.ts";
import type { PastStack } from "./past.ts";
import type { Plan } from "./plan.ts";
import { list } from "./words.ts";

/** What a machine said when it was asked for guests of this stack. */
export interface Found {
  /** The names of those that run or are defined there; absent: it did not say. */
  guests?: readonly string[];
  /** Why it did not say. */
  reason?: string;
}

/** Hosts that earlier updates had and the plan has not. */
export function leftHosts(past: PastStack, plan: Plan): SshTarget[] {
  return Object.values(past.hosts).filter(({ name }) => plan.hosts.every((host) => host.name !== name));
}

/** Hosts of the plan that were reached elsewhere until now: perhaps other machines. A lab makes new ones. */
export function movedHosts(past: PastStack, plan: Plan): SshTarget[] {
  if (plan.lab) return [];
  return plan.hosts.flatMap(({ name, ssh }) => {
    const before = past.hosts[name];
    return before && (before.address !== ssh.address || before.port !== ssh.port) ? [ssh] : [];
  });
}

/**
 * Whether hosts may be left out: storage and the other hosts stop serving them before any guest moves, so that a guest which is still on
 * one would lose its disk.
 *
 * @param found by the host's name
 */
export function checkLeftHosts(
  past: PastStack,
  left: readonly SshTarget[],
  found: Readonly<Record<string, Found>>,
): Mistake[] {
  const path = pathText(["hosts"]);
  return left.flatMap(({ name }) => {
    const { guests = [], reason } = found[name] ?? {};
    if (reason !== undefined) {
      const names = past.guests.map((guest) => guest.name);
      const problem = `${name} is left out and does not say whether ${list(names, "or")} is still on it (${reason.trim()})`;
      return [{ path, problem, fix: `put it back and fix it; if it is lost, see docs/hosts.md` }];
    }
    if (guests.length === 0) return [];
    const problem = `${name} is left out, and ${list(guests)} ${guests.length === 1 ? "is" : "are"} still on it`;
    const fix = `put it back, name it in ${pathText(["drain"])}, run \`pulumi up\`, and leave it out then`;
    return [{ path, problem, fix }];
  });
}

/** Whether the machine at a host's new address is the one that its guests are on: otherwise they would be booted a second time. */
export function checkMovedHosts(
  past: PastStack,
  plan: Plan,
  moved: readonly SshTarget[],
  found: Readonly<Record<string, Found>>,
): Mistake[] {
  return moved.flatMap(({ name, address }) => {
    const there = found[name]?.guests;
    // One that does not answer is reported with the other machines.
    if (there === undefined) return [];
    const missing = past.guests.filter((guest) => guest.host === name && !there.includes(guest.name));
    if (missing.length === 0) return [];
    const names = list(missing.map((guest) => guest.name));
    const index = plan.hosts.findIndex((host) => host.name === name);
    return [
      {
        path: pathText(["hosts", index, "address"]),
        problem: `${address} is not the machine that ${name} was: ${names} ${missing.length === 1 ? "is" : "are"} not on it`,
        fix: `give an address of the machine with ${names}; to put another in its place, drain ${name} first`,
      },
    ];
  });
}
