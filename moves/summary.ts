import type { PhaseName } from "./modes.ts";
import { between } from "./moments.ts";
import type { MigrationRecord } from "./record.ts";

/** A phase's name with its unit, as in JSON: `stop-and-copy` is `stopAndCopyMs`. */
type PhaseKey<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<PhaseKey<Rest>>}`
  : `${Name}Ms`;

/** What a person wants to see of a move at once: flat, and short enough for a screen. The whole is its record. */
export interface MoveSummary
  extends Pick<
    MigrationRecord,
    "mode" | "from" | "to" | "outcome" | "totalMs" | "downtimeMs" | "clientDowntimeMs"
  > {
  /** When it began: ISO 8601, UTC. */
  at: string;
  /** What each phase took, in their order; they add up to `totalMs`. */
  phases: Partial<Record<PhaseKey<PhaseName>, number>>;
}

const keyOf = (name: PhaseName) =>
  `${name.replace(/-(.)/g, (_, first: string) => first.toUpperCase())}Ms` as PhaseKey<PhaseName>;

/** A figure that was not measured is absent. */
export function moveSummary(record: MigrationRecord): MoveSummary {
  const { mode, from, to, outcome, totalMs, downtimeMs, clientDowntimeMs } = record;
  return {
    at: record.startedAt,
    mode,
    from,
    to,
    outcome,
    totalMs,
    ...(downtimeMs !== undefined && { downtimeMs }),
    ...(clientDowntimeMs !== undefined && { clientDowntimeMs }),
    phases: Object.fromEntries(
      record.phases.map(({ name, startMs, endMs }) => [keyOf(name), between(startMs, endMs)]),
    ),
  };
}
