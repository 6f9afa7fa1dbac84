import type { MigrationRecord } from "../moves/record.ts";
import { type Writing, workingSetOf } from "./dirty.ts";
import type { GuestLoad, Pace } from "./model.ts";
import { touchedIn, writingIn } from "./observed.ts";
import { guestPriors, priors, priorWeight, qemuOwnMiB } from "./priors.ts";
import { paceAlone, sharedPace } from "./sharing.ts";
import {
  ageing,
  companyLikeness,
  type Kind,
  likeness,
  paceLikeness,
  switchoverLikeness,
  type Weighted,
  weightedMedian,
} from "./weights.ts";

/** What is known of a guest before it moves, other than its past; what was not measured is absent. */
export interface Beforehand {
  memoryMiB: number;
  workload?: unknown;
  dirtyMiBps?: number | undefined;
  residentMiB?: number | undefined;
  redoMiB?: number | undefined;
}

/** So many completed moves at most are looked at: hosts are as they are now. */
const mostRecords = 60;

/** The completed moves that are looked at, newest first: and a guest's last ones in any case, as no others tell how it writes. */
export function recentOf(
  records: readonly MigrationRecord[],
  { guest, accelerator }: Pick<Kind, "guest" | "accelerator">,
): MigrationRecord[] {
  const alike = records.filter(
    (record) => record.outcome === "completed" && record.accelerator === accelerator,
  );
  const [newest, older] = [alike.slice(0, mostRecords), alike.slice(mostRecords)];
  return [...newest, ...older.filter((record) => record.guest === guest).slice(0, 10)];
}

/** The records that tell of a move, each with its weight, newest first. */
export interface PastMove {
  record: MigrationRecord;
  weight: number;
  /** How many other moves it shared with. */
  others: number;
}

/** @param othersOf how many other moves a record's shared with, on average */
export function pastOf(
  records: readonly MigrationRecord[],
  kind: Kind,
  othersOf: (record: MigrationRecord) => number,
): PastMove[] {
  const alike = records
    .map((record) => {
      const others = othersOf(record);
      return { record, others, weight: likeness(record, kind) * companyLikeness(others, kind) };
    })
    .filter(({ weight }) => weight > 0);
  // What hardly tells anything does not make the others old.
  let age = 0;
  return alike.map((move) => {
    const aged = { ...move, weight: move.weight * ageing ** age };
    age += move.weight;
    return aged;
  });
}

/** What tells how the last part goes, with the guest stopped. */
const ofSwitchover: readonly (keyof Pace)[] = ["fill", "stoppedMiBps", "postcopyDeviceMs"];

/** What goes from host to host, and thus no faster than the link between them. */
const overLink: readonly (keyof Pace)[] = [
  "sendMiBps",
  "stoppedMiBps",
  "pullMiBps",
  "copyMiBps",
  "storageMiBps",
];

/**
 * The pace of the hosts: of each figure the median of what records tell, the prior among them with little weight.
 *
 * @param linkMiBps what the link carries now: whatever it did before, no more goes over it
 */
export function paceFrom(past: readonly PastMove[], kind: Kind, linkMiBps = Number.POSITIVE_INFINITY): Pace {
  const prior = priors[kind.accelerator];
  const told = past.map(({ record, weight, others }) => {
    const touched = touchedIn(record) ?? touchedOf(past, record.guest, { ...record, ...record.before });
    return {
      record,
      weight,
      others,
      likeness: switchoverLikeness(record, kind),
      pace: paceAlone(record, touched, prior, others),
    };
  });
  const keys = Object.keys(prior) as (keyof Pace)[];
  const alone = Object.fromEntries(
    keys.map((key) => {
      const known = told.flatMap(({ pace, ...move }) => {
        const value = pace[key];
        return value !== undefined && value > 0 ? [{ ...move, value }] : [];
      });
      // Which pages are the last ones, and how many of them are zeros, is the guest's own.
      const own = known.filter(({ record, likeness }) => record.guest === kind.guest && likeness === 1);
      const values: Weighted[] = !ofSwitchover.includes(key)
        ? known.map(({ record, value, weight }) => ({ value, weight: weight * paceLikeness(record, kind) }))
        : own.length > 0
          ? own.map(({ value, others }, age) => ({
              value,
              weight: ageing ** age * companyLikeness(others, kind),
            }))
          : known.map(({ value, weight, likeness }) => ({ value, weight: weight * likeness }));
      return [key, weightedMedian([...values, { value: prior[key], weight: priorWeight }])];
    }),
  ) as unknown as Pace;
  const pace = sharedPace(alone, kind.others ?? 0);
  // Others that are under way were so, too, when the link was measured.
  return { ...pace, ...Object.fromEntries(overLink.map((key) => [key, Math.min(pace[key], linkMiBps)])) };
}

/** Whether a figure of the pace that no switchover tells is what records say, more than what is expected of any hosts. */
export function tells(
  past: readonly PastMove[],
  kind: Kind,
  key: Exclude<keyof Pace, "fill" | "stoppedMiBps" | "postcopyDeviceMs">,
): boolean {
  const told = past.map(({ record, weight, others }) => {
    const touched = touchedIn(record) ?? record.memoryMiB;
    const { [key]: value = 0 } = paceAlone(record, touched, priors[kind.accelerator], others);
    return value > 0 ? weight * paceLikeness(record, kind) : 0;
  });
  return told.reduce((sum, weight) => sum + weight, 0) > priorWeight;
}

/** What a guest brings along: measured if it was, else as in its past, else as it is declared, else as guests are. */
export function loadFrom(
  past: readonly PastMove[],
  guest: string,
  before: Beforehand,
): GuestLoad & { dirtyFrom: DirtyFrom } {
  const touchedMiB = Math.max(writtenMiB(before), touchedOf(past, guest, before));
  const { dirtyFrom, ...writing } = writingOf(past, guest, before, touchedMiB);
  return {
    memoryMiB: before.memoryMiB,
    touchedMiB,
    ...writing,
    dirtyFrom,
    ...(before.redoMiB !== undefined && { overlayMiB: before.redoMiB }),
  };
}

/** What it writes to at least: its dirty rate is measured for a second, in which each page counts once. */
const writtenMiB = ({ memoryMiB, dirtyMiBps = 0 }: Beforehand): number => Math.min(memoryMiB, dirtyMiBps);

/** Its last moves with this workload tell it best; then its QEMU's resident memory, its other moves, other guests' share of theirs. */
function touchedOf(
  past: readonly PastMove[],
  guest: string,
  { memoryMiB, residentMiB, workload }: Pick<Beforehand, "memoryMiB" | "residentMiB" | "workload">,
): number {
  const seen = past.flatMap(({ record, weight }) => {
    const touched = touchedIn(record);
    if (touched === undefined) return [];
    const more = record.guest === guest ? grownBy(residentMiB, record.before?.residentMiB) : 0;
    const share = (touched + more) / record.memoryMiB;
    return [{ record, touched, value: Math.max(0.01, Math.min(1, share)), weight }];
  });
  const own = seen.filter(({ record }) => record.guest === guest && record.memoryMiB === memoryMiB);
  const alike = weightedMedian(own.filter(({ record }) => isSame(record.workload, workload)));
  if (alike !== undefined) return alike * memoryMiB;
  if (residentMiB !== undefined) {
    const others = seen.flatMap(({ record, touched, weight }) => {
      const resident = record.before?.residentMiB;
      return resident === undefined ? [] : [{ value: resident - touched, weight }];
    });
    const qemuMiB = weightedMedian([...others, { value: qemuOwnMiB, weight: priorWeight }]) ?? qemuOwnMiB;
    return Math.min(memoryMiB, Math.max(residentMiB - qemuMiB, memoryMiB / 20));
  }
  return (weightedMedian(own) ?? weightedMedian(seen) ?? guestPriors.touchedShare) * memoryMiB;
}

/**
 * What a guest took since, as far as that is more than what its QEMU itself may have: an emulator keeps what it translated. Less
 * tells nothing: zeros that were resident where it booted are not there any more once it moved.
 */
function grownBy(nowMiB: number | undefined, thenMiB: number | undefined): number {
  if (nowMiB === undefined || thenMiB === undefined) return 0;
  return Math.max(0, nowMiB - thenMiB - qemuOwnMiB);
}

export type DirtyFrom = "measured" | "past" | "declared" | "prior";

function writingOf(
  past: readonly PastMove[],
  guest: string,
  before: Beforehand,
  touchedMiB: number,
): Writing & { dirtyFrom: DirtyFrom } {
  const seen = past
    .filter(({ record }) => record.guest === guest && isSame(record.workload, before.workload))
    .flatMap(({ record, weight }) => {
      const writing = writingIn(record);
      return writing ? [{ ...writing, weight }] : [];
    });
  const declared = declaredBy(before.workload);
  const pastRate = weightedMedian(seen.map(({ dirtyMiBps, weight }) => ({ value: dirtyMiBps, weight })));
  const [dirtyMiBps, dirtyFrom] =
    before.dirtyMiBps !== undefined
      ? ([before.dirtyMiBps, "measured"] as const)
      : declared?.dirtyMiBps !== undefined
        ? ([declared.dirtyMiBps, "declared"] as const)
        : pastRate !== undefined
          ? ([pastRate, "past"] as const)
          : ([guestPriors.dirtyMiBps, "prior"] as const);
  // A past pass that made less dirty than that rate would have tells where it ends.
  const sets = seen.map(({ ms, dirtyMiBps: rate, weight }) => ({
    value: workingSetOf(Math.max(dirtyMiBps, rate), ms, (rate * ms) / 1000, touchedMiB),
    weight,
  }));
  const toldMiB = declared?.workingSetMiB ?? weightedMedian(sets) ?? touchedMiB;
  const workingSetMiB = Math.min(touchedMiB, Math.max(writtenMiB(before), toldMiB));
  return { dirtyMiBps, workingSetMiB, dirtyFrom, ...(declared && { isCyclic: declared.isCyclic }) };
}

/** Whether it is known how a guest writes, from its config or from a move of it with the same workload that is looked at. */
export const knowsWriting = (
  records: readonly MigrationRecord[],
  { guest, accelerator, workload }: Pick<Kind, "guest" | "accelerator"> & { workload?: unknown },
): boolean =>
  declaredBy(workload)?.dirtyMiBps !== undefined ||
  recentOf(records, { guest, accelerator }).some(
    (record) =>
      record.guest === guest && isSame(record.workload, workload) && writingIn(record) !== undefined,
  );

const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one ?? null) === JSON.stringify(other ?? null);

/** What a stack's config says of a guest that writes to its memory on purpose (guests/workload/memory.py). */
function declaredBy(
  workload: unknown,
): (Partial<Pick<Writing, "dirtyMiBps" | "workingSetMiB">> & { isCyclic: true }) | undefined {
  if (typeof workload !== "object" || workload === null) return undefined;
  const { type, mibPerSecond, workingSetMiB } = workload as Record<string, unknown>;
  if (type !== "memory") return undefined;
  return {
    isCyclic: true,
    ...(typeof mibPerSecond === "number" && { dirtyMiBps: mibPerSecond }),
    ...(typeof workingSetMiB === "number" && { workingSetMiB }),
  };
}
