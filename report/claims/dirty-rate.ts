import { mean, medianSorted } from "simple-statistics";
import { defaultMaxDowntimeMs } from "../../moves/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { mannerOf, sorted } from "../data/groups.ts";
import { isLive, workloadRate } from "../data/measures.ts";
import { commonSlope, slopeInterval } from "../data/slope.ts";
import { type Estimate, medianInterval } from "../data/statistics.ts";
import { comparable } from "./against-memory.ts";
import { type CellSample, cellSamples, guestsIn, linesOf, movesIn } from "./cells.ts";
import { type Claim, type Finding, intervalText, isTooFew, plural, remarks, signed } from "./claim.ts";
import { theseGuests } from "./these-guests.ts";

/**
 * What live's downtime follows: the rate at which pages get dirty, or the memory size. The paper says that it may or may not grow with memory:
 * what is tested here is more than that.
 */
export const dirtyRateClaim: Claim = {
  id: "downtime-follows-dirty-rate",
  says: "Live migration's downtime follows the rate at which pages get dirty, not the memory size",
  judge,
};

const test = {
  name: "elasticities, Kendall's test",
  how: "by how many percent the downtime grows when the dirty rate does by one, between guests that differ in nothing else that was set, and when the memory does (slopes of logarithms, Theil and Sen, with exact intervals); where guests were moved under several greatest downtimes, when that does, too: reproduced when all of the first interval is above 0 and above what any of the others reach, not reproduced when it is all below 0, or below what one of the others is at least",
};

/** A downtime of so much of the greatest one that is allowed is taken to be made by it. */
const ceiling = 0.9;

type RatedCell = CellSample & { dirtyMiBps: number };

function judge(dataset: Dataset, times?: number): Finding {
  const cells = cellSamples(dataset, isLive, ({ record }) =>
    record.downtimeMs !== undefined && record.downtimeMs > 0 ? record.downtimeMs : undefined,
  ).filter((cell): cell is RatedCell => cell.dirtyMiBps !== undefined && cell.dirtyMiBps > 0);
  const basis = `${plural(movesIn(cells), "live move")} of ${plural(guestsIn(cells), "guest")} in ${plural(cells.length, "cell")}`;
  const cannot = (remark: string): Finding => ({ verdict: "can't tell", test, basis, remark });
  if (cells.length === 0) return cannot("it takes live moves that tell their dirty rate");
  const byRate = linesOf(
    cells,
    (cell) => Math.log((cell as RatedCell).dirtyMiBps),
    (cell) => JSON.stringify([sorted(workloadRate(cell.move.record).besides), cell.sizes, cell.memoryMiB]),
  ).filter(
    (line) =>
      new Set(
        line.map(([cell]) => JSON.stringify(sorted(workloadRate((cell as CellSample).move.record).rate))),
      ).size > 1,
  );
  const { size, both } = comparable(cells);
  const byMemory = size.length > 0 ? size : both;
  if (byRate.length === 0) {
    return cannot(
      "no two guests differ in their rate alone: with one rate for each size and workload it cannot be seen",
    );
  }
  if (byMemory.length === 0) return cannot("no two guests differ in their memory alone, at the same rate");
  const limited = limits(cells);
  const atCeiling = cells.filter(isAtCeiling);
  if (limited.length === 0 && atCeiling.length * 2 >= cells.length) {
    return cannot(
      `${atCeiling.length} of ${plural(cells.length, "cell")} stop for about as long as they may (maxDowntimeMs): the limit is what is seen`,
    );
  }
  const rate = elasticity(byRate, (cell) => Math.log((cell as RatedCell).dirtyMiBps));
  const memory = elasticity(byMemory, ({ memoryMiB }) => Math.log(memoryMiB));
  if (!rate || !memory) return cannot("dirty rates or memory sizes do not differ");
  const limit = limited.length > 0 ? medianInterval(limited.toSorted((a, b) => a - b)) : undefined;
  const ofThese = theseGuests(
    byRate.flat(2),
    41,
    times,
  )(
    (of) =>
      commonSlope(pointsOf(byRate, (cell) => Math.log((cell as RatedCell).dirtyMiBps), of)) ?? Number.NaN,
  );
  const show = (value: number) => signed(value, 2);
  const others = [memory, ...(limit ? [limit] : [])];
  const isShort = [rate, ...others].some(isTooFew);
  return {
    verdict: isShort ? "can't tell" : verdictOf(rate, others),
    effect: `+1 % of dirty rate: ${show(rate.value)} %; of memory: ${show(memory.value)} %${limit ? `; of the greatest downtime: ${show(limit.value)} %` : limited.length > 0 ? `; of the greatest downtime: ${show(medianSorted(limited.toSorted((a, b) => a - b)))} %` : ""}`,
    estimate: rate,
    ...(ofThese && { ofThese }),
    show,
    test,
    basis,
    ...remarks(
      `with memory ${intervalText(memory, show)}`,
      limit && `with the greatest downtime ${intervalText(limit, show)}`,
      `${atCeiling.length} of ${plural(cells.length, "cell")} stop for about as long as they may`,
      isShort ? "guests like these: it takes more of them to tell" : undefined,
    ),
  };
}

const limitOf = ({ move }: CellSample): number => move.record.options?.maxDowntimeMs ?? defaultMaxDowntimeMs;
const isAtCeiling = (cell: CellSample): boolean => cell.median >= ceiling * limitOf(cell);

/** Of each guest that was moved under several greatest downtimes, all else equal: how its downtime grows with them. */
function limits(cells: readonly CellSample[]): number[] {
  const alike = Map.groupBy(cells, ({ unit, move }) => `${unit} ${mannerOf(move, "maxDowntimeMs")}`);
  return [...alike.values()].flatMap(
    (own) =>
      commonSlope([own.map((cell) => ({ x: Math.log(limitOf(cell)), y: Math.log(cell.median) }))]) ?? [],
  );
}

const pointsOf = (
  lines: readonly CellSample[][][],
  x: (cell: CellSample) => number,
  of: (cell: CellSample) => number,
) =>
  lines.map((line) =>
    line.map((own) => ({ x: mean(own.map(x)), y: mean(own.map((cell) => Math.log(of(cell)))) })),
  );

const elasticity = (lines: readonly CellSample[][][], x: (cell: CellSample) => number) =>
  slopeInterval(pointsOf(lines, x, ({ median }) => median));

function verdictOf(rate: Estimate, others: readonly Estimate[]): Finding["verdict"] {
  const most = Math.max(...others.map(({ low, high }) => Math.max(Math.abs(low), Math.abs(high))));
  const least = Math.max(...others.map(({ low, high }) => (low > 0 ? low : high < 0 ? -high : 0)));
  if (rate.low > 0 && rate.low > most) return "reproduced";
  return rate.high <= 0 || rate.high < least ? "not reproduced" : "can't tell";
}
