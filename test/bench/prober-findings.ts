import type { MigrationRecord } from "../../report/record.ts";
import type { ProberSample } from "./prober.ts";
import { type Comparison, compare, type Pair, type Summary, summary } from "./statistics.ts";

const compared = ["totalMs", "hypervisorTotalMs", "downtimeMs", "transferredMiB"] as const;
export type ComparedFigure = (typeof compared)[number];

/** How one view of a downtime differs from the hypervisor's. */
export interface Agreement {
  /** The view's figure less the hypervisor's, ms. */
  difference: Summary;
  /** Moves in which the difference is no more than both figures' uncertainty together. */
  within: number;
}

export interface ProberFindings {
  /** With a prober, against without. */
  figures: Record<ComparedFigure, Comparison>;
  /** How long the prober asked in vain: within its interval and the clocks' uncertainty. */
  unanswered?: Agreement;
  /** How long it heard nothing: the same. */
  client?: Agreement;
  /** Within the resolution of what the guest told and the clocks' uncertainty. */
  guest?: Agreement;
}

export function proberFindings(samples: readonly ProberSample[]): ProberFindings {
  const pairs = [...Map.groupBy(samples, ({ pair }) => pair).values()].flatMap((members) => {
    const arm = (name: ProberSample["arm"]) => members.find((member) => member.arm === name)?.record;
    const [probed, plain] = [arm("with"), arm("without")];
    return probed && plain ? [{ probed, plain }] : [];
  });
  const figures = Object.fromEntries(
    compared.map((figure) => [
      figure,
      compare(pairs.flatMap(({ probed, plain }) => both(probed[figure], plain[figure]))),
    ]),
  ) as ProberFindings["figures"];
  const records = samples.filter(({ arm }) => arm === "with").map(({ record }) => record);
  const client = agreement(records, (record) => [record.clientDowntimeMs, record.clientProbeIntervalMs]);
  const unanswered = agreement(records, ({ client, clientProbeIntervalMs }) => [
    client?.unansweredMs,
    clientProbeIntervalMs,
  ]);
  const guest = agreement(records, (record) => [record.guestDowntimeMs, record.guestClockResolutionMs]);
  return { figures, ...(unanswered && { unanswered }), ...(client && { client }), ...(guest && { guest }) };
}

const both = (ours: number | undefined, reference: number | undefined): Pair[] =>
  ours === undefined || reference === undefined ? [] : [{ ours, reference }];

/** @param view a figure and its resolution */
function agreement(
  records: readonly MigrationRecord[],
  view: (record: MigrationRecord) => [number | undefined, number | undefined],
): Agreement | undefined {
  const seen = records.flatMap((record) => {
    const { downtimeMs, clock } = record;
    const [viewMs, resolutionMs] = view(record);
    if (downtimeMs === undefined || viewMs === undefined || resolutionMs === undefined) return [];
    return [{ differenceMs: viewMs - downtimeMs, byMs: resolutionMs + (clock?.uncertaintyMs ?? 0) }];
  });
  if (seen.length === 0) return undefined;
  return {
    difference: summary(seen.map(({ differenceMs }) => differenceMs)),
    // The slack is for binary fractions.
    within: seen.filter(({ differenceMs, byMs }) => Math.abs(differenceMs) <= byMs + 1e-9).length,
  };
}
