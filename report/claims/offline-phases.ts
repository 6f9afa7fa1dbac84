import { mean } from "simple-statistics";
import type { Dataset, Move } from "../data/dataset.ts";
import { isOffline, phaseMs } from "../data/measures.ts";
import { type CellSample, cellSamples } from "./cells.ts";
import type { Claim, Finding } from "./claim.ts";
import { judgeGuests } from "./guest-effects.ts";

const name = "copy / the longer of suspend and resume";

/** What each offline move says for or against by itself: a ratio of its own phases. */
export const copyClaim: Claim = {
  id: "copy-is-longest",
  says: "Offline, copy is the longest phase",
  effect: { name, border: 1 },
  judge,
};

const test = {
  name: "ratio of phases, sign test",
  how: "of each guest the median of its moves' ratios, then the median guest: reproduced when all of the interval of guests like these is above 1, not reproduced when none of it is",
};

function judge(dataset: Dataset, times?: number): Finding {
  const cells = cellSamples(dataset, isOffline, ratioOf);
  const guests = [...Map.groupBy(cells, ({ unit }) => unit).values()].map((own) => ({
    guest: own[0]?.guest as string,
    cells: own,
    effect: (of: (cell: CellSample) => number) => Math.exp(mean(own.map((cell) => Math.log(of(cell))))),
  }));
  const show = (value: number) => value.toFixed(value < 10 ? 2 : 1);
  return judgeGuests(
    guests,
    { name, border: 1, show, test, takes: "it takes offline moves", seed: 51 },
    times,
  );
}

function ratioOf({ record }: Move): number | undefined {
  const [suspend, copy, resume] = (["suspend", "copy", "resume"] as const).map((phase) =>
    phaseMs(record, phase),
  );
  if (suspend === undefined || copy === undefined || resume === undefined) return undefined;
  const longer = Math.max(suspend, resume);
  return longer > 0 && copy > 0 ? copy / longer : undefined;
}
