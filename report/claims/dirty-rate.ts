import type { Dataset } from "../dataset.ts";
import { isLive } from "../measures.ts";
import {
  type Estimate,
  partialRankCorrelation,
  percentileInterval,
  randomOf,
  resamples,
} from "../statistics.ts";
import { type CellSample, cellSamples, movesIn } from "./cells.ts";
import { type Claim, type Finding, intervalText, leastRepeats, plural } from "./claim.ts";

/** What live's downtime follows: the rate at which pages get dirty, or the memory size. */
export const dirtyRateClaim: Claim = {
  id: "downtime-follows-dirty-rate",
  says: "Live migration's downtime follows the rate at which pages get dirty, not the memory size",
  judge,
};

/** Fewer say nothing of what varies with what. */
const leastCells = 5;

const test = {
  name: "partial rank correlation, bootstrap",
  how: `partial rank correlations (Spearman) of the cells' median downtimes with the dirty rate at equal memory, and with memory at equal dirty rate; percentile bootstrap of cells and within cells, ${resamples} resamples: reproduced when the first is above 0 and above the size of the second, each with all of its interval; not reproduced when the first, or that difference, is not above 0 with any of its interval`,
};

function judge(dataset: Dataset): Finding {
  const all = cellSamples(dataset, isLive, ({ record }) => record.downtimeMs, 41);
  const cells = all.filter((cell): cell is RatedCell => cell.dirtyMiBps !== undefined);
  const basis = `${plural(movesIn(cells), "live move")} in ${plural(cells.length, "cell")}`;
  const cannot = (remark: string): Finding => ({ verdict: "can't tell", test, basis, remark });
  if (cells.length < leastCells) {
    return cannot(
      `it takes ${leastCells} cells or more that tell their dirty rate, with ${leastRepeats} moves each`,
    );
  }
  if (new Set(cells.map(({ memoryMiB }) => memoryMiB)).size < 2) {
    return cannot("all have the same memory size: what follows it cannot be seen");
  }
  const random = randomOf(42);
  const drawn = Array.from({ length: resamples }, (_, i) => {
    const some = cells.map(() => cells[Math.floor(random() * cells.length)] as RatedCell);
    return correlations(some, (cell) => cell.drawn[i] as number);
  });
  const found = correlations(cells, ({ median }) => median);
  const rate = percentileInterval(
    found.rate,
    drawn.map((one) => one.rate),
  );
  const memory = percentileInterval(
    found.memory,
    drawn.map((one) => one.memory),
  );
  const lead = percentileInterval(
    found.lead,
    drawn.map((one) => one.lead),
  );
  if (!rate || !memory || !lead)
    return cannot("dirty rate and memory vary together: they cannot be told apart");
  const show = (value: number) => value.toFixed(2);
  return {
    verdict: verdictOf(rate, lead),
    effect: `ρ with dirty rate = ${show(rate.value)}, ρ with memory = ${show(memory.value)}`,
    estimate: rate,
    interval: `${intervalText(rate, show)}; ${intervalText(memory, show)}`,
    test,
    basis,
    remark: `the first exceeds the size of the second by ${show(lead.value)} (${intervalText(lead, show)})`,
  };
}

type RatedCell = CellSample & { dirtyMiBps: number };

function correlations(cells: readonly RatedCell[], downtime: (cell: RatedCell) => number) {
  const downtimes = cells.map(downtime);
  const rates = cells.map(({ dirtyMiBps }) => dirtyMiBps);
  const sizes = cells.map(({ memoryMiB }) => memoryMiB);
  const rate = partialRankCorrelation(rates, downtimes, sizes);
  const memory = partialRankCorrelation(sizes, downtimes, rates);
  return { rate, memory, lead: rate - Math.abs(memory) };
}

function verdictOf(rate: Estimate, lead: Estimate): Finding["verdict"] {
  if (rate.low > 0 && lead.low > 0) return "reproduced";
  return rate.high <= 0 || lead.high <= 0 ? "not reproduced" : "can't tell";
}
