import { median } from "simple-statistics";
import { traitsOf } from "../moves/modes.ts";
import { defaultMode } from "../moves/options.ts";
import type { Cell } from "./cells.ts";
import type { Experiment } from "./experiment.ts";
import type { TurnLine } from "./remaining.ts";
import type { Turn } from "./schedule.ts";
import { type TurnTime, timeLeftMs } from "./time-left.ts";

/** How long something will take, and where that is from. */
interface Expected {
  ms: number;
  /** `measured`: as the turns of an earlier run took; `reckoned`: from what one machine needed. */
  from: "measured" | "reckoned";
}

/** What a machine with two cores needed, with emulated guests in a lab. Your own run replaces it: see {@link turnTimes}. */
const typical = {
  /** Hosts that are there already are started, and the first guest with them. */
  labMs: 60_000,
  /** A guest's boot, until its workload is at work. */
  guestMs: 30_000,
  /** An update, without what is moved in it. */
  updateMs: 12_000,
  /** Over an unshaped link, counting what is compressed or empty. */
  memoryMiBps: 150,
};

/** How often a mode reads or writes the memory: an offline move writes it to a file, copies that and reads it. */
const timesMemory = { saved: 3, sent: 1, none: 0 } as const;

/** How long a turn of a cell takes, reckoned: guests go back, settle, and move. In ms. */
function reckonedTurnMs(experiment: Experiment, { guests, way, linkMiBps, isDecided }: Cell): number {
  const memoryMiB = experiment.guests
    .filter(({ name }) => guests.includes(name))
    .reduce((sum, guest) => sum + guest.memoryMiB, 0);
  const { mode = defaultMode, bandwidthMiBps, arrangement } = { ...experiment.migration, ...way };
  const { memory } = traitsOf(mode);
  const rateMiBps = Math.min(typical.memoryMiBps, linkMiBps ?? Number.POSITIVE_INFINITY);
  const moveMs =
    (timesMemory[memory] * memoryMiB * 1000) /
    (memory === "saved" ? rateMiBps : Math.min(rateMiBps, bandwidthMiBps ?? Number.POSITIVE_INFINITY));
  const isBack = experiment.back === "unmeasured";
  const backMs = isBack ? typical.updateMs + (memoryMiB * 1000) / typical.memoryMiBps : 0;
  const updates = arrangement === "one-by-one" ? guests.length : 1;
  // Where a policy decides, hosts are looked at for as long after the update as before.
  const looks = isDecided ? 2 : 1;
  return backMs + looks * experiment.settleSeconds * 1000 + updates * typical.updateMs + moveMs;
}

/**
 * How long each turn of a run took: from the first action of its move to that of the next turn's. Turns before an interruption are left
 * out, as nobody knows how long nothing was done.
 */
export function turnTimes(lines: readonly TurnLine[]): TurnTime[] {
  const begun = [...Map.groupBy(lines, ({ order }) => order)]
    .map(([order, own]) => ({
      order,
      cell: (own[0] as TurnLine).cell,
      ms: Math.min(...own.map((line) => Date.parse(begunAt(line)))),
      isSound: own.every((line) => !line.isInterrupted && line.kind !== "failure"),
    }))
    .sort((a, b) => a.order - b.order);
  return begun.flatMap(({ order, cell, ms, isSound }, index) => {
    const next = begun[index + 1];
    return isSound && next?.isSound && next.order === order + 1 ? [{ cell, tookMs: next.ms - ms }] : [];
  });
}

const begunAt = (line: TurnLine): string =>
  line.kind === "move" ? line.record.startedAt : line.kind === "update" ? line.update.at : line.at;

/**
 * How long turns will take.
 *
 * @param earlier the lines of an earlier run of the same experiment; none: it is reckoned, with the time until the testbed is up
 */
export function expectedTime(
  experiment: Experiment,
  cells: readonly Cell[],
  left: readonly Turn[],
  earlier: readonly TurnLine[],
): Expected {
  const { labMs, guestMs } = typical;
  const upMs = labMs + experiment.guests.length * guestMs;
  const known = medians(turnTimes(earlier));
  if (known.length > 0) return { ms: upMs + (timeLeftMs(known, left) ?? 0), from: "measured" };
  const byId = new Map(cells.map((cell) => [cell.id, reckonedTurnMs(experiment, cell)]));
  return { ms: left.reduce((sum, { cell }) => sum + (byId.get(cell) ?? 0), upMs), from: "reckoned" };
}

/** Medians, per cell: a run that was interrupted between two turns and continued a day later has a turn of a day. */
const medians = (times: readonly TurnTime[]): TurnTime[] =>
  [...Map.groupBy(times, ({ cell }) => cell)].map(([cell, some]) => ({
    cell,
    tookMs: median(some.map(({ tookMs }) => tookMs)),
  }));
