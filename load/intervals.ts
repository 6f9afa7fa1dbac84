import type { HostSamples, UsageSample } from "../hosts/load.ts";

/** How much CPU was used between two samples. */
export interface Interval {
  boot: string;
  fromSeconds: number;
  toSeconds: number;
  cpuSeconds: number;
}

export const secondsOf = ({ fromSeconds, toSeconds }: Interval): number => toSeconds - fromSeconds;

/** In CPUs. */
export const rateOf = (interval: Interval): number => interval.cpuSeconds / secondsOf(interval);

/** How many times as far as usual two samples may be apart. Of a longer time nobody knows what was in it: the guest may have been elsewhere. */
const longest = 2.5;

/** By how much a host's CPUs may seem to do more than they can: libvirt may take some of the seconds between two samples to answer. */
const mostOfHost = 1.2;

/**
 * What lies between samples that follow one another and are of one counter. A counter that went back has begun anew, and what can't be is left
 * out: nothing is known of these times.
 *
 * @param counterOf what tells one counter from another, within one start of the host
 */
export function intervalsOf<Sample extends UsageSample>(
  samples: readonly Sample[],
  { cpus, everySeconds }: Pick<HostSamples, "cpus" | "everySeconds">,
  counterOf: (sample: Sample) => string,
): Interval[] {
  const series = Map.groupBy(samples, (sample) => `${sample.boot} ${counterOf(sample)}`);
  return [...series.values()].flatMap((one) => {
    const inTurn = one.toSorted((a, b) => a.atSeconds - b.atSeconds);
    return inTurn.slice(1).flatMap((to, index): Interval[] => {
      const from = inTurn[index] as Sample;
      const interval = {
        boot: to.boot,
        fromSeconds: from.atSeconds,
        toSeconds: to.atSeconds,
        cpuSeconds: to.cpuSeconds - from.cpuSeconds,
      };
      const seconds = secondsOf(interval);
      const isPossible = interval.cpuSeconds >= 0 && interval.cpuSeconds <= seconds * cpus * mostOfHost;
      return seconds > 0 && seconds <= longest * everySeconds && isPossible ? [interval] : [];
    });
  });
}
