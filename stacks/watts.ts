import type { Standing } from "../placement/terms/standing.ts";
import type { HostPlan } from "./plan.ts";

/** What hosts draw that are on, as it follows from what is declared of them. */
export interface DeclaredWatts {
  beforeW: number;
  afterW: number;
}

/**
 * What all hosts draw before a decision is carried out, and after it: each that is on its idle watts and, where its peak is declared and its
 * load is known, the share of the rest that it is busy. Undefined: of one of them nothing is declared, and a sum of the others would be none.
 *
 * @param areOff hosts that are off before
 * @param off hosts that are off after
 */
export function declaredWatts(
  hosts: readonly Pick<HostPlan, "name" | "watts">[],
  { before, after }: { before: Pick<Standing, "hosts">; after: Pick<Standing, "hosts"> },
  areOff: readonly string[],
  off: readonly string[],
): DeclaredWatts | undefined {
  const sum = (at: Pick<Standing, "hosts">, without: readonly string[]): number =>
    hosts.reduce((total, { name, watts }) => {
      if (without.includes(name)) return total;
      const { idleW = Number.NaN, peakW = idleW } = watts ?? {};
      const busy = Math.min(1, at.hosts[name]?.cpu ?? 0);
      return total + idleW + (peakW - idleW) * busy;
    }, 0);
  const watts = { beforeW: sum(before, areOff), afterW: sum(after, off) };
  return Number.isFinite(watts.beforeW + watts.afterW) ? watts : undefined;
}
