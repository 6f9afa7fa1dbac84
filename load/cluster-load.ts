import type { Cluster, ClusterGuest } from "../placement/terms/cluster.ts";
import type { MeasuredGuest, MeasuredLoad } from "./join.ts";

/** How busy a guest is taken to be, and why. */
type GuestUse =
  | ({ from: "samples" } & MeasuredGuest)
  /** As busy as the others, a vCPU. */
  | ({ from: "others"; reason: typeof noLoadYet } & MeasuredGuest)
  /** No other guest's load is known, either. */
  | { from: "nothing"; reason: typeof noLoadYet; coveredSeconds: number };

const noLoadYet = "no load known yet";

/** A guest as far as its load is concerned. */
export interface LoadedGuest {
  name: string;
  uuid: string;
  vcpus: number;
}

/** A guest that was sampled for less has shown too little of what it does: half of the window, or ten minutes. */
const enoughSeconds = (windowMinutes: number): number => Math.min(windowMinutes * 30, 600);

/**
 * How busy each guest is, by its name. One that was sampled for too short a time counts as its vCPUs times the others' median use of theirs.
 *
 * @param windowMinutes what hosts were asked for
 */
export function useOfGuests(
  guests: readonly LoadedGuest[],
  load: MeasuredLoad,
  windowMinutes: number,
): Record<string, GuestUse> {
  const known = guests.flatMap(({ uuid, vcpus }) => {
    const measured = load.guests[uuid];
    return measured && measured.coveredSeconds >= enoughSeconds(windowMinutes)
      ? [{ uuid, vcpus, measured }]
      : [];
  });
  const perVcpu = (figure: "meanCpus" | "p95Cpus") =>
    median(known.map(({ vcpus, measured }) => measured[figure] / vcpus));
  const [mean, p95] = [perVcpu("meanCpus"), perVcpu("p95Cpus")];
  const useOf = ({ uuid, vcpus }: LoadedGuest): GuestUse => {
    const own = known.find((one) => one.uuid === uuid);
    if (own) return { from: "samples", ...own.measured };
    const coveredSeconds = load.guests[uuid]?.coveredSeconds ?? 0;
    if (mean === undefined || p95 === undefined)
      return { from: "nothing", reason: noLoadYet, coveredSeconds };
    const assumed = { meanCpus: vcpus * mean, p95Cpus: vcpus * p95, coveredSeconds };
    return { from: "others", reason: noLoadYet, ...assumed };
  };
  return Object.fromEntries(guests.map((guest) => [guest.name, useOf(guest)]));
}

/** As placement/layout/measures.ts has it for guests of which it knows no load. */
function median(values: readonly number[]): number | undefined {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

/**
 * The cluster with what was measured of it. Hosts' CPUs that it says itself stay: a lab's hosts all have those of one machine.
 *
 * @param figure the mean, for evening out; the 95th percentile where there must be enough for nearly all of the time
 */
export function withLoad(
  cluster: Cluster,
  uses: Readonly<Record<string, GuestUse>>,
  { hosts }: Pick<MeasuredLoad, "hosts">,
  figure: "meanCpus" | "p95Cpus",
): Cluster {
  return {
    ...cluster,
    hosts: cluster.hosts.map((host) => {
      const measured = hosts[host.name];
      if (measured === undefined) return host;
      const { cpus, baseCpus } = measured;
      return { cpus, ...(baseCpus !== undefined && { busyCpus: baseCpus }), ...host };
    }),
    guests: cluster.guests.map((guest): ClusterGuest => {
      const use = uses[guest.name];
      return use === undefined || use.from === "nothing" ? guest : { ...guest, busyCpus: use[figure] };
    }),
  };
}
