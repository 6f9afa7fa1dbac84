import { withoutAbsent } from "../libvirt/without-absent.ts";
import { fitting } from "../moves/misfits.ts";
import { defaultMaxDowntimeMs, defaultMode, defaultProbeIntervalMs } from "../moves/options.ts";
import type { StackInput } from "../stacks/config.ts";
import type { Cell } from "./cells.ts";
import type { Experiment, Way } from "./experiment.ts";

/** The network of experiments' labs: beside that of `npm run lab`, which may be up. */
const ownLab = { network: "10.77.40.0/24", bridge: "lab-experiment" };

/** The hosts of a lab, between which guests move. */
const labHosts: StackInput["hosts"] = [{ name: "host1" }, { name: "host2" }];

/** What a stack says of the machines, without guests. */
export type Machines = Pick<StackInput, "lab" | "hosts" | "storage" | "ssh" | "bridge" | "image">;

/** The machines of an experiment that brings its own lab. */
export function labOf({ lab, image, hosts, releases }: Experiment): Machines {
  const own: StackInput["hosts"] = hosts ?? labHosts;
  return {
    lab: { ...ownLab, ...lab },
    hosts: own.map((host, at) => ({ ...host, ...(releases?.[at] && { release: releases[at] }) })),
    ...(image && { image }),
  };
}

/** The machines of another stack: a person's own, to which the experiment brings its guests. */
export function machinesOf(stack: Partial<StackInput>, { image }: Experiment): Machines {
  const { lab, hosts = [], storage, ssh, bridge } = stack;
  const own = image ?? stack.image;
  return {
    hosts,
    ...(lab && { lab }),
    ...(storage && { storage }),
    ...(ssh && { ssh }),
    ...(bridge && { bridge }),
    ...(own && { image: own }),
  };
}

/** The first two hosts: guests start on the first. */
function ends({ hosts }: Machines): { from: string; to: string } {
  const [from, to] = hosts.map(({ name }) => name);
  if (!from || !to) throw new Error("an experiment takes two hosts, between which its guests move");
  return { from, to };
}

/** By guest, the host it is placed on. */
export type Places = Readonly<Record<string, string>>;

/**
 * Where a turn of a cell begins for each guest: at the first host, but for those that it moves from the second. Where a policy decides, the
 * file says it.
 */
export function startOf(
  { guests, placement = {} }: Experiment,
  machines: Machines,
  cell?: Pick<Cell, "guests" | "way">,
): Places {
  const { from, to } = ends(machines);
  const isAway = (guest: string) => cell?.way.direction === "back" && cell.guests.includes(guest);
  return Object.fromEntries(guests.map(({ name }) => [name, placement[name] ?? (isAway(name) ? to : from)]));
}

/** The way back, which nobody measures: without a prober, and with a pause that any guest at rest converges with. */
const unmeasured = { mode: "live", maxDowntimeMs: 2000, probeIntervalMs: 0, concurrentPerHost: 2 } as const;

/** The config that keeps guests, or brings them, where `places` says, unmeasured. */
export function restConfig(experiment: Experiment, machines: Machines, places: Places): StackInput {
  return {
    ...machines,
    guests: experiment.guests,
    placement: { ...places },
    migration: unmeasured,
    // Every guest has a placement, so nothing is decided; hosts sample their load for the policy, and all of them are on.
    ...(experiment.policy && { policy: { ...experiment.policy, kind: "balance" } }),
  };
}

/** The config of an update in which the experiment's policy decides, of all guests. */
export function decidedConfig(
  experiment: Experiment,
  machines: Machines,
  { way: { arrangement: _, direction: __, ...options } }: Pick<Cell, "way">,
): StackInput {
  const { guests, policy, affinity, lose } = experiment;
  return {
    ...machines,
    guests: guests.map((guest) => ({ ...guest, migration: measured(experiment, options) })),
    ...(policy && { policy }),
    ...(affinity && { affinity }),
    ...(lose !== undefined && { lost: [lose] }),
  };
}

/**
 * The configs of a cell's updates, one after the other: guests that move one by one, each with an update of its own, take several. They
 * differ from the one at rest only in the settings of guests that move: an update does nothing for the others.
 *
 * @param places where guests are; those of the cell go to the other host
 */
export function moveConfigs(
  experiment: Experiment,
  machines: Machines,
  { guests, way }: Pick<Cell, "guests" | "way">,
  places: Places,
): StackInput[] {
  const { from, to } = ends(machines);
  const { arrangement, direction: _, ...options } = way;
  const other = (guest: string) => (places[guest] === from ? to : from);
  const own = measured(experiment, options);
  const at = (placed: Places): StackInput => ({
    ...restConfig(experiment, machines, placed),
    guests: experiment.guests.map((guest) =>
      guests.includes(guest.name) ? { ...guest, migration: own } : guest,
    ),
  });
  const moved = (some: readonly string[]): Places => ({
    ...places,
    ...Object.fromEntries(some.map((guest) => [guest, other(guest)])),
  });
  if (arrangement === "one-by-one") return guests.map((_, index) => at(moved(guests.slice(0, index + 1))));
  if (guests.length === 1) return [at(moved(guests))];
  const migration = { ...unmeasured, concurrentPerHost: arrangement === "at-once" ? guests.length : 1 };
  // Emptying the first host is what `drain` is for; back they go to where they are placed.
  const isDrain = arrangement !== undefined && guests.every((guest) => places[guest] === from);
  return [isDrain ? { ...at(places), migration, drain: [from] } : { ...at(moved(guests)), migration }];
}

/** Whether moves as the config has them need something of the hosts beforehand: certificates, an open port. */
export const needsHosts = ({ guests }: StackInput): boolean =>
  guests.some(({ migration }) => migration?.transport === "tls" || migration?.port !== undefined);

/** The options of a measured move: those said for all ways, except what its own way cannot do, and its own. */
function measured({ migration }: Experiment, options: Omit<Way, "arrangement" | "direction">) {
  const fit = fitting({ mode: defaultMode, ...withoutAbsent({ ...migration, ...options }) });
  const common = Object.fromEntries(Object.entries(migration).filter(([option]) => option in fit));
  return {
    maxDowntimeMs: defaultMaxDowntimeMs,
    probeIntervalMs: defaultProbeIntervalMs,
    ...common,
    ...options,
  };
}
