import { mean } from "simple-statistics";
import type { Dataset, Move } from "../data/dataset.ts";
import { isLive, isOffline, workloadSettings } from "../data/measures.ts";
import { commonSlope, slopeInterval } from "../data/slope.ts";
import { type CellSample, cellSamples, guestsIn, linesOf, movesIn } from "./cells.ts";
import { above, type Claim, type Finding, intervalText, isTooFew, plural, remarks, signed } from "./claim.ts";
import { theseGuests } from "./these-guests.ts";

/**
 * How the total migration time grows with the memory that a guest uses: the slope between cells that differ in that alone. Memory that was never
 * written to is not sent, so size and use are two things; in many designs the use grows with the size.
 */
export const memoryClaims: readonly Claim[] = [
  {
    id: "offline-total-grows",
    says: "Offline, the total migration time grows with memory in use",
    judge: (dataset, times) => judge(dataset, isOffline, 11, times),
  },
  {
    id: "live-total-grows",
    says: "Live, the total migration time grows with memory in use",
    judge: (dataset, times) => judge(dataset, isLive, 12, times),
  },
];

const test = {
  name: "slope, Kendall's test",
  how: "median slope of all pairs of guests that differ in the memory in use alone (or in the memory too, where the use grows with it) and have all other settings, hosts, link and options in common (Theil and Sen), with its exact interval: reproduced when all of it is above 0, not reproduced when none of it is",
};

/** Guests that can be compared, one line each, by what differs in them. */
interface Comparable {
  /** Memory is the same, and how much of it is used differs. */
  use: CellSample[][][];
  /** Both grow together. */
  both: CellSample[][][];
  /** Memory differs, and what is used of it is the same. */
  size: CellSample[][][];
}

const memoryGiB = ({ memoryMiB }: CellSample): number => memoryMiB / 1024;
const useGiB = ({ sizes }: CellSample): number | undefined => {
  const mib = sizes.workingSetMiB ?? sizes.bufferPoolMiB;
  return mib === undefined ? undefined : mib / 1024;
};

function judge(dataset: Dataset, which: (move: Move) => boolean, seed: number, times?: number): Finding {
  const cells = cellSamples(dataset, which, ({ record }) => record.totalMs);
  const { use, both, size } = comparable(cells);
  const isUse = use.length > 0;
  const lines = isUse ? use : both;
  const found = slopes(lines, isUse ? useGiB : memoryGiB, seed, times);
  const alone = slopes(size, memoryGiB, seed + 100, times);
  const seconds = (value: number) => `${signed(value / 1000, 2)} s`;
  const ofSize =
    alone && `where its use is the same, ${seconds(alone.estimate.value)} for each GiB of memory`;
  const told = ofSize && alone ? `${ofSize}, ${intervalText(alone.estimate, seconds)}` : undefined;
  const kept = lines.flat(2);
  const basis = `${plural(movesIn(kept), "move")} of ${plural(guestsIn(kept), "guest")} in ${plural(kept.length, "cell")}`;
  if (!found) {
    return { verdict: "can't tell", test, basis, ...remarks(whyNot(cells), told) };
  }
  return {
    verdict: above(found.estimate, 0),
    effect: `${seconds(found.estimate.value)} for each GiB ${isUse ? "in use" : "of memory, with what is in use of it"}`,
    estimate: found.estimate,
    ...(found.ofThese && { ofThese: found.ofThese }),
    show: seconds,
    test,
    basis,
    ...remarks(
      isUse ? undefined : "memory and its use grow together here: which of them it follows is not told apart",
      told,
      lines.length > 1
        ? `${lines.length} lines of guests, from ${range(lines, isUse ? useGiB : memoryGiB, seconds)}`
        : undefined,
      isTooFew(found.estimate) ? "guests like these: it takes five or more in a line to tell" : undefined,
    ),
  };
}

/** The slope that lines have in common, in ms for each GiB, with both of its intervals. */
function slopes(
  lines: readonly CellSample[][][],
  x: (cell: CellSample) => number | undefined,
  seed: number,
  times?: number,
) {
  const pointsOf = (of: (cell: CellSample) => number) =>
    lines.map((line) => line.map((own) => ({ x: x(own[0] as CellSample) as number, y: mean(own.map(of)) })));
  const estimate = slopeInterval(pointsOf(({ median }) => median));
  if (!estimate) return undefined;
  const ofThese = theseGuests(lines.flat(2), seed, times)((of) => commonSlope(pointsOf(of)) ?? Number.NaN);
  return { estimate, ofThese };
}

function range(
  lines: readonly CellSample[][][],
  x: (cell: CellSample) => number | undefined,
  show: (value: number) => string,
): string {
  const own = lines.flatMap(
    (line) =>
      commonSlope([
        line.map((guest) => ({
          x: x(guest[0] as CellSample) as number,
          y: mean(guest.map(({ median }) => median)),
        })),
      ]) ?? [],
  );
  return `${show(Math.min(...own))} to ${show(Math.max(...own))}`;
}

/** Which cells can be compared: nothing else may differ. Where use falls while memory grows, neither is told. */
export function comparable(cells: readonly CellSample[]): Comparable {
  const sizes = ({ sizes: own }: CellSample) => JSON.stringify(Object.entries(own).sort());
  const use = linesOf(cells, useGiB, (cell) => `${cell.others} ${cell.memoryMiB} ${rest(cell)}`);
  const size = linesOf(cells, memoryGiB, (cell) => `${cell.others} ${sizes(cell)}`);
  const both = linesOf(cells, memoryGiB, ({ others }) => others).filter((line) => {
    const ordered = line.map(([cell]) => cell as CellSample).toSorted((a, b) => a.memoryMiB - b.memoryMiB);
    return ordered.every((cell, index) => {
      const before = ordered[index - 1];
      return before === undefined || growsWith(before, cell);
    });
  });
  return { use, both, size };
}

/** Settings of use that are no size in MiB: `rows`. */
const rest = ({ sizes: { workingSetMiB: _w, bufferPoolMiB: _b, ...others } }: CellSample): string =>
  JSON.stringify(others);

/** Whether all that says how much is used is more where the memory is, and one of it truly. */
function growsWith(smaller: CellSample, larger: CellSample): boolean {
  const keys = [...new Set([...Object.keys(smaller.sizes), ...Object.keys(larger.sizes)])];
  const pairs = keys.map((key) => [smaller.sizes[key] ?? 0, larger.sizes[key] ?? 0] as const);
  return (
    smaller.memoryMiB < larger.memoryMiB && pairs.every(([a, b]) => a <= b) && pairs.some(([a, b]) => a < b)
  );
}

/** Why no cells can be compared: what else differs in those that look alike. */
function whyNot(cells: readonly CellSample[]): string {
  const takes = "it takes guests that differ in the memory in use, and in nothing else";
  const kinds = [...Map.groupBy(cells, ({ move }) => workloadSettings(move.record).others.type as string)];
  const mixed = kinds.flatMap(([type, own]) => {
    if (new Set(own.map(({ memoryMiB }) => memoryMiB)).size < 2) return [];
    const settings = own.map(({ move }) => workloadSettings(move.record).others);
    const keys = [...new Set(settings.flatMap(Object.keys))];
    return keys.flatMap((key) => {
      const values = [...new Set(settings.map((one) => `${one[key] ?? "none"}`))].sort((a, b) =>
        a.localeCompare(b, "en", { numeric: true }),
      );
      return values.length > 1
        ? [`guests with the workload ${type} differ in ${key}, too (${values.join(", ")})`]
        : [];
    });
  });
  return [takes, ...mixed].join("; ");
}
