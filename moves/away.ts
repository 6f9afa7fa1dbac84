import type { MigrationRecord } from "./record.ts";

/** How long a guest did not answer in some moves. */
interface Away {
  guest: string;
  moves: number;
  /** As its client saw it, or else as the hypervisors did. */
  awayMs: number;
  /** In how many of them that was not measured. */
  unmeasured: number;
}

/** Guest by guest, in the order of their first moves. */
export function awayOf(
  records: readonly Pick<MigrationRecord, "guest" | "clientDowntimeMs" | "downtimeMs">[],
): Away[] {
  const away = new Map<string, Away>();
  for (const { guest, clientDowntimeMs, downtimeMs } of records) {
    const known = away.get(guest) ?? { guest, moves: 0, awayMs: 0, unmeasured: 0 };
    const ms = clientDowntimeMs ?? downtimeMs;
    away.set(guest, {
      guest,
      moves: known.moves + 1,
      awayMs: known.awayMs + (ms ?? 0),
      unmeasured: known.unmeasured + (ms === undefined ? 1 : 0),
    });
  }
  return [...away.values()];
}
