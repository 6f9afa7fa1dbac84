import type { GuestSample, HostSamples } from "../hosts/load.ts";
import { type Interval, intervalsOf, rateOf, secondsOf } from "./intervals.ts";

/** A host that did not say what kept it busy. */
export interface NoSamples {
  reason: string;
}

export interface MeasuredLoad {
  /** By their uuids. A guest of which nothing is known is not in it. */
  guests: Record<string, MeasuredGuest>;
  /** By their names. */
  hosts: Record<string, MeasuredHost>;
  /** Hosts that did not answer, by their names: what their guests did is not in it. */
  silent: Record<string, NoSamples>;
}

export interface MeasuredGuest {
  /** CPU seconds a second, QEMU's own threads included. */
  meanCpus: number;
  /** It kept no more than these busy for 95 % of the time that is known. */
  p95Cpus: number;
  /** Of how long that is known. */
  coveredSeconds: number;
}

interface MeasuredHost {
  cpus: number;
  /** How many of them it keeps busy itself, without guests. Absent: not known. */
  baseCpus?: number;
  /** Of how long that is known. */
  coveredSeconds: number;
}

/** Joins what hosts say, by their names, of guests that may have been on several of them. */
export function joinLoad(answers: Readonly<Record<string, HostSamples | NoSamples>>): MeasuredLoad {
  const measured: MeasuredLoad = { guests: {}, hosts: {}, silent: {} };
  const guests = new Map<string, Interval[]>();
  for (const [name, answer] of Object.entries(answers)) {
    if ("reason" in answer) {
      measured.silent[name] = answer;
      continue;
    }
    const own = Map.groupBy(answer.guests, ({ uuid }) => uuid);
    const intervals = new Map(
      [...own].map(([uuid, samples]) => [uuid, intervalsOf(samples, answer, ({ counter }) => counter)]),
    );
    for (const [uuid, some] of intervals) guests.set(uuid, [...(guests.get(uuid) ?? []), ...some]);
    measured.hosts[name] = measuredHost(answer, [...intervals.values()].flat());
  }
  for (const [uuid, intervals] of guests) {
    if (intervals.length > 0) measured.guests[uuid] = measuredGuest(intervals);
  }
  return measured;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function measuredGuest(intervals: readonly Interval[]): MeasuredGuest {
  const coveredSeconds = sum(intervals.map(secondsOf));
  return {
    meanCpus: sum(intervals.map(({ cpuSeconds }) => cpuSeconds)) / coveredSeconds,
    p95Cpus: percentile(intervals, 0.95),
    coveredSeconds,
  };
}

/** The least rate that is not exceeded in this part of the time: a short interval counts for less than a long one. */
function percentile(intervals: readonly Interval[], part: number): number {
  const byRate = intervals.toSorted((one, other) => rateOf(one) - rateOf(other));
  let left = part * sum(byRate.map(secondsOf));
  const reached = byRate.find((interval) => {
    left -= secondsOf(interval);
    return left <= 1e-9;
  });
  return rateOf(reached ?? (byRate.at(-1) as Interval));
}

/** What of a host's CPU time is not its guests', while it had the same guests from one sample to the next. */
function measuredHost(answer: HostSamples, ofGuests: readonly Interval[]): MeasuredHost {
  const { cpus } = answer;
  const key = (boot: string, at: number) => `${boot} ${at}`;
  const guestsAt = Map.groupBy(answer.guests, ({ boot, atSeconds }) => key(boot, atSeconds));
  const known = Map.groupBy(ofGuests, ({ boot, fromSeconds }) => key(boot, fromSeconds));
  const comparable = intervalsOf(answer.host, answer, () => "").flatMap((interval) => {
    const { boot, fromSeconds, toSeconds } = interval;
    const guests = (known.get(key(boot, fromSeconds)) ?? []).filter((one) => one.toSeconds === toSeconds);
    const count = (at: number) => (guestsAt.get(key(boot, at)) ?? ([] as GuestSample[])).length;
    if (guests.length !== count(fromSeconds) || guests.length !== count(toSeconds)) return [];
    return [{ interval, guestSeconds: sum(guests.map(({ cpuSeconds }) => cpuSeconds)) }];
  });
  const coveredSeconds = sum(comparable.map(({ interval }) => secondsOf(interval)));
  if (coveredSeconds === 0) return { cpus, coveredSeconds };
  const baseSeconds = sum(comparable.map(({ interval, guestSeconds }) => interval.cpuSeconds - guestSeconds));
  return { cpus, baseCpus: Math.max(0, baseSeconds / coveredSeconds), coveredSeconds };
}
