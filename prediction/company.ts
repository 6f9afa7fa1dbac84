import { boots } from "../moves/modes.ts";
import type { MigrationRecord } from "../moves/record.ts";

// Moves that leave the same host share what can be sent from it, and those that enter the same host what it can take: each has an equal part.
// Both ways at once do not share, since links carry as much in one direction as in the other.

/** A move, as far as others meet it. */
export interface Passage {
  from: string;
  to: string;
  /** What has to pass between the hosts; 0: next to nothing, and nobody is held up. */
  sizeMiB: number;
}

/**
 * How many others a move is expected to share with, on average over its time: each counts for as long as it has something to send, when
 * all begin together and have equal parts. 0: it is alone.
 *
 * @param others all that are to be made about then, whether they are under way or wait for their turn
 * @param perHost in how many moves a host takes part at a time
 */
export function othersBeside(move: Passage, others: readonly Passage[], perHost: number): number {
  const share = (isBeside: (other: Passage) => boolean): number =>
    others.filter(isBeside).reduce((sum, other) => sum + Math.min(1, other.sizeMiB / move.sizeMiB), 0);
  if (move.sizeMiB <= 0) return 0;
  const [out, into] = [share(({ from }) => from === move.from), share(({ to }) => to === move.to)];
  return Math.min(perHost - 1, Math.round(100 * Math.max(out, into)) / 100);
}

/** Of each record, those of moves that shared with it for some of its time. */
export type Companions = ReadonlyMap<MigrationRecord, readonly MigrationRecord[]>;

export function companionsIn(records: readonly MigrationRecord[]): Companions {
  const sending = records.filter(({ mode }) => !boots(mode));
  const timed = sending.map((record) => ({ record, ...timesOf(record) }));
  timed.sort((one, other) => one.startMs - other.startMs);
  const found = new Map<MigrationRecord, MigrationRecord[]>();
  const add = (one: MigrationRecord, other: MigrationRecord) => {
    found.set(one, [...(found.get(one) ?? []), other]);
  };
  for (const [index, one] of timed.entries()) {
    for (let next = index + 1; (timed[next]?.startMs ?? Number.POSITIVE_INFINITY) < one.endMs; next++) {
      const { record: other } = timed[next] as (typeof timed)[number];
      if (!areBeside(one.record, other)) continue;
      add(one.record, other);
      add(other, one.record);
    }
  }
  return found;
}

const areBeside = (one: MigrationRecord, other: MigrationRecord): boolean =>
  one.guest !== other.guest && (one.from === other.from || one.to === other.to);

/**
 * How many others a move shared with, on average: so many as would have left it the part that it had, moment by moment. Those that were
 * expected count as well: of moves at the same time some may not be over yet, and so have no records.
 *
 * @param companions those that are known
 */
export function othersIn(record: MigrationRecord, companions: readonly MigrationRecord[] = []): number {
  return Math.max(record.predicted?.others ?? 0, othersMet(record, companions));
}

/** Of each record, with how many others it shared, by all companions that are known. */
export const othersBy =
  (companions: Companions) =>
  (record: MigrationRecord): number =>
    othersIn(record, companions.get(record));

function othersMet(record: MigrationRecord, companions: readonly MigrationRecord[]): number {
  if (companions.length === 0) return 0;
  const { startMs, endMs } = timesOf(record);
  const all = companions.map((other) => ({ other, ...timesOf(other) }));
  const borders = [startMs, endMs, ...all.flatMap((each) => [each.startMs, each.endMs])]
    .filter((ms) => ms >= startMs && ms <= endMs)
    .toSorted((one, other) => one - other);
  let hadMs = 0;
  for (const [index, fromMs] of borders.slice(0, -1).entries()) {
    const toMs = borders[index + 1] as number;
    const there = all.filter((each) => each.startMs <= fromMs && each.endMs >= toMs);
    const out = there.filter(({ other }) => other.from === record.from).length;
    const into = there.filter(({ other }) => other.to === record.to).length;
    hadMs += (toMs - fromMs) / (1 + Math.max(out, into));
  }
  return hadMs > 0 ? (endMs - startMs) / hadMs - 1 : 0;
}

function timesOf({ startedAt, totalMs }: MigrationRecord): { startMs: number; endMs: number } {
  const startMs = Date.parse(startedAt);
  return { startMs, endMs: startMs + totalMs };
}
