import { shuffle } from "simple-statistics";
import type { Dataset } from "../data/dataset.ts";
import { isLive } from "../data/measures.ts";
import {
  type Estimate,
  partialRankCorrelation,
  percentileInterval,
  randomOf,
  resamples,
} from "../data/statistics.ts";
import { type CellSample, cellSamples, movesIn } from "./cells.ts";
import { type Claim, type Finding, intervalText, leastRepeats, plural, signed } from "./claim.ts";

/** What live's downtime follows: the rate at which pages get dirty, or the memory size. */
export const dirtyRateClaim: Claim = {
  id: "downtime-follows-dirty-rate",
  says: "Live migration's downtime follows the rate at which pages get dirty, not the memory size",
  judge,
};

/** Fewer say nothing of what varies with what. */
const leastCells = 5;

const test = {
  name: "partial rank correlation, bootstrap and permutation",
  how: `partial rank correlations (Spearman) of the cells' median downtimes, with the dirty rate at equal memory and with memory at equal dirty rate; percentile bootstrap within cells, ${resamples} resamples: reproduced when the first is above 0 and above the size of the second, each with all of its interval, and at most 5 % of as many permutations of the rates among the cells reach the first; not reproduced when the first, or that difference, is above 0 with no part of its interval`,
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
  const drawn = Array.from({ length: resamples }, (_, i) =>
    correlations(cells, (cell) => cell.drawn[i] as number),
  );
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
  const chance = chanceOf(cells, found.rate);
  const show = (value: number) => signed(value, 2);
  return {
    verdict: verdictOf(rate, lead, chance),
    effect: `ρ with dirty rate = ${show(rate.value)}, ρ with memory = ${show(memory.value)}`,
    estimate: rate,
    interval: `${intervalText(rate, show)}; ${intervalText(memory, show)}`,
    test,
    basis,
    remark: `the first exceeds the size of the second by ${show(lead.value)} (${intervalText(lead, show)}); ${chance < 0.001 ? "p < 0.001" : `p = ${chance.toFixed(3)}`}`,
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

/** How often the first correlation is reached when the rates are dealt out to the cells by chance. */
function chanceOf(cells: readonly RatedCell[], reached: number): number {
  const random = randomOf(42);
  let times = 0;
  for (let i = 0; i < resamples; i++) {
    const rates = shuffle(
      cells.map(({ dirtyMiBps }) => dirtyMiBps),
      random,
    );
    const dealt = cells.map((cell, index) => ({ ...cell, dirtyMiBps: rates[index] as number }));
    if (correlations(dealt, ({ median }) => median).rate >= reached) times += 1;
  }
  // As found is one of the ways to deal them out.
  return (times + 1) / (resamples + 1);
}

function verdictOf(rate: Estimate, lead: Estimate, chance: number): Finding["verdict"] {
  if (rate.high <= 0 || lead.high <= 0) return "not reproduced";
  return rate.low > 0 && lead.low > 0 && chance <= 0.05 ? "reproduced" : "can't tell";
}
