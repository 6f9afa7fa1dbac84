import { defaultReserveMiB } from "../placement/terms/cluster.ts";
import type { LabMachine } from "./lab-shares.ts";
import { type Mistake, pathText } from "./mistake.ts";
import type { GuestPlan, HostPlan, Plan } from "./plan.ts";
import { list } from "./words.ts";

/** For a lab's machine: its hosts' own needs, which nobody should have to think of. */
const machineReserveMiB = defaultReserveMiB;

/**
 * Whether the guests fit into the hosts' memory, which is only known once the hosts were asked.
 *
 * @param hostMemoryMiB each host's memory by its name; hosts that are not in it are passed over
 * @param machine what a lab's hosts run on. Absent: there is no lab, or it was not looked at
 */
export function checkCapacity(
  plan: Plan,
  hostMemoryMiB: Readonly<Record<string, number>>,
  machine?: LabMachine,
): Mistake[] {
  // In the lab a host without a size of its own has what the others leave it, which nobody knows.
  const asked = plan.lab ? plan.hosts.filter(({ share }) => share?.memoryMiB !== undefined) : plan.hosts;
  const hosts = asked.flatMap((host) => {
    const memoryMiB = hostMemoryMiB[host.name];
    return memoryMiB === undefined ? [] : checkHost(plan, host, memoryMiB);
  });
  return plan.lab && machine ? [...hosts, ...checkShares(plan, machine), ...checkLab(plan, machine)] : hosts;
}

function checkHost(plan: Plan, { name: host, reserveMiB }: HostPlan, memoryMiB: number): Mistake[] {
  const guests = plan.guests.filter((guest) => guest.host === host);
  const room = Math.max(0, memoryMiB - reserveMiB);
  const tooLarge = guests.filter((guest) => guest.memoryMiB > room);
  if (tooLarge.length > 0) {
    return tooLarge.map((guest) => {
      const drained = drainedFrom(guest);
      return {
        path: memoryPath(plan, guest),
        problem: `${described(guest)} is to have ${guest.memoryMiB} MiB on ${host}, which has ${memoryMiB} MiB`,
        fix: `give it at most ${room} MiB (${host} keeps ${reserveMiB} MiB), or ${drained ? keep(plan, [drained]) : "place it on a larger host"}`,
      };
    });
  }
  const neededMiB = sum(guests);
  if (neededMiB <= room) return [];
  const drained = [...new Set(guests.flatMap((guest) => drainedFrom(guest) ?? []))];
  return [
    {
      path: pathText([drained.length > 0 ? "drain" : "placement"]),
      problem: `${each(guests)} need ${neededMiB} MiB on ${host}, which has ${memoryMiB} MiB`,
      fix: `${drained.length > 0 ? `${keep(plan, drained)}, add a host` : "place one elsewhere"}, or take ${neededMiB - room} MiB from them (${host} keeps ${reserveMiB} MiB)`,
    },
  ];
}

/** The drained host that a guest would run on otherwise; also one that is to be off, or lost. */
const drainedFrom = ({ reason }: GuestPlan): string | undefined =>
  reason?.kind === "drained" || reason?.kind === "off" || reason?.kind === "lost" ? reason.host : undefined;

const keep = ({ off, lost }: Plan, drained: readonly string[]): string => {
  const sectionOf = (host: string) => {
    if (lost.includes(host)) return "lost";
    return off.some((each) => each.host === host) ? "off" : "drain";
  };
  return `leave ${list(drained)} out of ${list([...new Set(drained.map(sectionOf))])}`;
};

/** A guest that has come from a drained host went to the one with the most memory left. */
function described(guest: GuestPlan): string {
  const drained = drainedFrom(guest);
  return drained === undefined ? guest.name : `${guest.name}, placed on ${drained} (drained),`;
}

/** What a lab's hosts are to have must be there: their limits would be none. */
function checkShares({ hosts }: Plan, machine: LabMachine): Mistake[] {
  const sizes = hosts.flatMap(({ name, share }) => (share?.memoryMiB ? name : []));
  const neededMiB = hosts.reduce((total, { share }) => total + (share?.memoryMiB ?? 0), 0);
  const tooLarge = hosts.flatMap(({ name, share }, index) =>
    (share?.cpus ?? 0) <= machine.cpus
      ? []
      : [
          {
            path: pathText(["hosts", index, "cpus"]),
            problem: `${name} is to have ${share?.cpus} CPUs, and this machine has ${machine.cpus}`,
            fix: `give at most ${machine.cpus}`,
          },
        ],
  );
  if (neededMiB <= machine.memoryMiB) return tooLarge;
  return [
    {
      path: pathText(["hosts"]),
      problem: `${list(sizes)} ${sizes.length === 1 ? "is" : "are"} to have ${neededMiB} MiB, and this machine has ${machine.memoryMiB} MiB`,
      fix: `take ${neededMiB - machine.memoryMiB} MiB from their memoryMiB`,
    },
    ...tooLarge,
  ];
}

/** In the lab all guests are on one machine, and a guest that moves live is there twice. */
function checkLab({ guests }: Plan, { memoryMiB: machineMiB }: LabMachine): Mistake[] {
  const largestMiB = Math.max(0, ...guests.map((guest) => guest.memoryMiB));
  const neededMiB = sum(guests) + largestMiB;
  const room = Math.max(0, machineMiB - machineReserveMiB);
  if (neededMiB <= room) return [];
  return [
    {
      path: pathText(["guests"]),
      problem: `${each(guests)} need ${neededMiB} MiB while the largest moves, and this machine has ${machineMiB} MiB`,
      fix: `take memory from them until it fits into ${room} MiB (the lab keeps ${machineReserveMiB} MiB), or leave one out`,
    },
  ];
}

function memoryPath(plan: Plan, guest: GuestPlan): string {
  return pathText(["guests", plan.guests.indexOf(guest), "memoryMiB"]);
}

function sum(guests: readonly GuestPlan[]): number {
  return guests.reduce((total, { memoryMiB }) => total + memoryMiB, 0);
}

function each(guests: readonly GuestPlan[]): string {
  return list(
    guests.map((guest) => {
      const drained = drainedFrom(guest);
      return `${guest.name} (${guest.memoryMiB}${drained === undefined ? "" : `, drained from ${drained}`})`;
    }),
  );
}
