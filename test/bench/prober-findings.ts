import { withoutAbsent } from "../../libvirt/without-absent.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { type Comparison, type Summary, summary } from "./statistics.ts";
import { type ArmSample, comparedArms } from "./with-without.ts";

const compared = ["totalMs", "hypervisorTotalMs", "downtimeMs", "transferredMiB"] as const;
export type ComparedFigure = (typeof compared)[number];

/** How one view of a downtime differs from another, the hypervisor's unless it is said. */
export interface Agreement {
  /** The view's figure less the other's, ms. */
  difference: Summary;
  /** Moves in which the difference is no more than both figures' uncertainty together. */
  within: number;
}

export interface ProberFindings {
  /** With a prober, against without. */
  figures: Record<ComparedFigure, Comparison>;
  /** How long the prober asked in vain: within its interval and the clocks' uncertainty. */
  unanswered?: Agreement;
  /** The same, against what the guest's clock missed; within the prober's interval and the resolution of that. */
  unansweredByGuest?: Agreement;
  /** How long it heard nothing, against the hypervisor's. */
  client?: Agreement;
  /** Within the resolution of what the guest told and the clocks' uncertainty. */
  guest?: Agreement;
}

export function proberFindings(samples: readonly ArmSample[]): ProberFindings {
  const figures = Object.fromEntries(
    compared.map((figure) => [figure, comparedArms(samples, (record) => record[figure])]),
  ) as ProberFindings["figures"];
  const records = samples.filter(({ arm }) => arm === "with").map(({ record }) => record);
  const hypervisor: View = ({ downtimeMs, clock }) => [downtimeMs, clock?.uncertaintyMs];
  const guestClock: View = (record) => [record.guestDowntimeMs, record.guestClockResolutionMs];
  const heard: View = (record) => [record.clientDowntimeMs, record.clientProbeIntervalMs];
  const asked: View = (record) => [record.client?.unansweredMs, record.clientProbeIntervalMs];
  const unanswered = agreement(records, asked, hypervisor);
  const unansweredByGuest = agreement(records, asked, guestClock);
  const client = agreement(records, heard, hypervisor);
  const guest = agreement(records, guestClock, hypervisor);
  return withoutAbsent({ figures, unanswered, unansweredByGuest, client, guest });
}

/** A figure and how far it may be off. */
type View = (record: MigrationRecord) => [ms: number | undefined, byMs: number | undefined];

function agreement(records: readonly MigrationRecord[], one: View, other: View): Agreement | undefined {
  const seen = records.flatMap((record) => {
    const [oneMs, oneByMs] = one(record);
    const [otherMs, otherByMs] = other(record);
    if (oneMs === undefined || oneByMs === undefined || otherMs === undefined || otherByMs === undefined)
      return [];
    return [{ differenceMs: oneMs - otherMs, byMs: oneByMs + otherByMs }];
  });
  if (seen.length === 0) return undefined;
  return {
    difference: summary(seen.map(({ differenceMs }) => differenceMs)),
    // The slack is for binary fractions.
    within: seen.filter(({ differenceMs, byMs }) => Math.abs(differenceMs) <= byMs + 1e-9).length,
  };
}
