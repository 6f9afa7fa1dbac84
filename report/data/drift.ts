import { median } from "simple-statistics";
import { countedMoves, type Dataset, type Move } from "./dataset.ts";
import { groupsOf } from "./groups.ts";
import { randomOf } from "./statistics.ts";

/** A move, and how far its total is from the median of its cell, as a logarithm. */
interface MoveResidual {
  move: Move;
  off: number;
}

/** What the order of a run's moves says of them. Repeats that are exchangeable say nothing. */
export interface RunDrift {
  file: string;
  /** In the order in which they were made. */
  residuals: MoveResidual[];
  tests: DriftTest[];
  /** Where the run falls into two, if it does. */
  step?: DriftStep;
  /** Versions of this project that made the moves, with the first move that each made; empty: lines do not say. */
  versions: { version: string; from: number }[];
}

interface DriftTest {
  name: "step" | "runs" | "lag-1 correlation";
  value: number;
  /** By permutation, and corrected for the number of tests (Holm). */
  p: number;
}

interface DriftStep {
  /** The first of the later moves. */
  from: Move;
  /** By mode: later totals over earlier ones, of the median cell, and in how many cells it goes that way. */
  ratios: { mode: string; ratio: number; agreeing: number; cells: number }[];
  /** What is left of the correlation with the step taken out. */
  correlationWithin: number;
}

/** Said to be there at most so often where nothing is. */
export const level = 0.05;

/** Fewer moves, or repeats of a cell, tell too little. */
const leastMoves = 20;
const leastRepeats = 3;

/** Of long runs fewer: what there is in them is far from chance. */
const permutationsOf = (moves: number): number => (moves > 1000 ? 499 : 1999);

/** Permutations take their time: a warning, a figure and a table look at the same. */
const known = new WeakMap<Dataset, RunDrift[]>();

/** Of each run of an experiment that has moves enough. */
export function driftsIn(dataset: Dataset): RunDrift[] {
  const drifts = known.get(dataset) ?? found(dataset);
  known.set(dataset, drifts);
  return drifts;
}

function found(dataset: Dataset): RunDrift[] {
  const counted = countedMoves(dataset).filter(({ block }) => block !== undefined);
  return [...Map.groupBy(counted, ({ file }) => file)].flatMap(([file, moves]): RunDrift[] => {
    const cells = groupsOf(moves).filter(({ moves: own }) => own.length >= leastRepeats);
    const residuals = cells
      .flatMap(({ key, moves: own }) => {
        const logs = own.map(({ record }) => Math.log(record.totalMs));
        const middle = median(logs);
        return own.map((move, index) => ({ move, key, off: (logs[index] as number) - middle }));
      })
      .sort((a, b) => Date.parse(a.move.record.startedAt) - Date.parse(b.move.record.startedAt));
    if (residuals.length < leastMoves) return [];
    const tests = testsOf(residuals);
    const step = tests.find(({ name }) => name === "step");
    const versions = versionsOf(moves);
    return [
      {
        file,
        residuals: residuals.map(({ move, off }) => ({ move, off })),
        tests,
        ...(step && step.p <= level && { step: stepOf(residuals) }),
        versions,
      },
    ];
  });
}

/**
 * Under exchangeable repeats each order of a cell's residuals is as likely as any other: the distribution of each statistic follows from drawing
 * orders within cells, whatever that of the times is, and although residuals of a cell are not independent of each other.
 */
function testsOf(residuals: readonly (MoveResidual & { key: string })[]): DriftTest[] {
  const values = bounded(residuals);
  const cells = [...Map.groupBy(values.keys(), (index) => residuals[index]?.key).values()];
  const random = randomOf(71);
  const reached = { step: 1, runs: 1, lag: 1 };
  const found = statisticsOf(values);
  const permutations = permutationsOf(values.length);
  const drawn = Float64Array.from(values);
  for (let time = 0; time < permutations; time++) {
    for (const places of cells) shuffleAt(drawn, places, random);
    const one = statisticsOf(drawn);
    if (one.step >= found.step - 1e-12) reached.step += 1;
    if (one.runs <= found.runs) reached.runs += 1;
    if (one.lag >= found.lag - 1e-12) reached.lag += 1;
  }
  const raw = [reached.step, reached.runs, reached.lag].map((times) => times / (permutations + 1));
  const [step = 1, runs = 1, lag = 1] = holm(raw);
  return [
    { name: "step", value: found.step, p: step },
    { name: "runs", value: found.runs, p: runs },
    { name: "lag-1 correlation", value: found.lag, p: lag },
  ];
}

/** Without far ones: one move that took twice as long is no change of the run. Of each cell the mean is zero then. */
function bounded(residuals: readonly (MoveResidual & { key: string })[]): Float64Array {
  const most = 3 * 1.4826 * median(residuals.map(({ off }) => Math.abs(off)));
  const values = residuals.map(({ off }) => Math.max(-most, Math.min(off, most)));
  const means = new Map(
    [...Map.groupBy(residuals.keys(), (index) => residuals[index]?.key)].map(([key, places]) => [
      key,
      places.reduce((sum, place) => sum + (values[place] as number), 0) / places.length,
    ]),
  );
  return Float64Array.from(
    residuals,
    ({ key }, index) => (values[index] as number) - (means.get(key) as number),
  );
}

/** The greatest cumulative sum (a step), how often the sign changes, and how alike neighbours are. */
function statisticsOf(values: Float64Array): { step: number; at: number; runs: number; lag: number } {
  let [sum, squares, products] = [0, 0, 0];
  let [step, at, runs] = [0, 0, 1];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    sum += value;
    squares += value * value;
    if (Math.abs(sum) > step) [step, at] = [Math.abs(sum), i + 1];
    if (i === 0) continue;
    const before = values[i - 1] as number;
    products += value * before;
    if (value > 0 !== before > 0) runs += 1;
  }
  const scale = Math.sqrt(squares);
  return {
    step: scale > 0 ? step / scale : 0,
    at,
    runs,
    lag: squares > 0 ? products / squares : 0,
  };
}

function stepOf(residuals: readonly (MoveResidual & { key: string })[]): DriftStep {
  const values = bounded(residuals);
  const { at } = statisticsOf(values);
  const modes = [...new Set(residuals.map(({ move }) => move.record.mode))];
  const meanOf = (some: readonly number[]) => some.reduce((sum, one) => sum + one, 0) / some.length;
  const [earlier, later] = [meanOf([...values.slice(0, at)]), meanOf([...values.slice(at)])];
  const within = values.map((value, index) => value - (index < at ? earlier : later));
  return {
    from: (residuals[at] as MoveResidual).move,
    ratios: modes.flatMap((mode) => {
      const places = [...residuals.keys()].filter((index) => residuals[index]?.move.record.mode === mode);
      const cells = [...Map.groupBy(places, (index) => residuals[index]?.key).values()];
      const changes = cells.flatMap((own) => {
        const offs = (isLater: boolean) =>
          own.flatMap((index) => (index >= at === isLater ? (residuals[index]?.off ?? []) : []));
        const [before, after] = [offs(false), offs(true)];
        return before.length > 0 && after.length > 0 ? [median(after) - median(before)] : [];
      });
      if (changes.length === 0) return [];
      const middle = median(changes);
      const agreeing = changes.filter((change) => change > 0 === middle > 0).length;
      return [{ mode, ratio: Math.exp(middle), agreeing, cells: changes.length }];
    }),
    correlationWithin: statisticsOf(within).lag,
  };
}

function shuffleAt(values: Float64Array, places: readonly number[], random: () => number): void {
  for (let i = places.length - 1; i > 0; i--) {
    const other = places[Math.floor(random() * (i + 1))] as number;
    const own = places[i] as number;
    [values[own], values[other]] = [values[other] as number, values[own] as number];
  }
}

/** Of several tests, so that any of them errs as seldom as one would (Holm, Scandinavian Journal of Statistics 6, 1979). */
export function holm(ps: readonly number[]): number[] {
  const order = [...ps.keys()].sort((a, b) => (ps[a] as number) - (ps[b] as number));
  const corrected = new Array<number>(ps.length);
  let greatest = 0;
  for (const [rank, index] of order.entries()) {
    greatest = Math.max(greatest, Math.min(1, (ps[index] as number) * (ps.length - rank)));
    corrected[index] = greatest;
  }
  return corrected;
}

function versionsOf(moves: readonly Move[]): RunDrift["versions"] {
  const versions: RunDrift["versions"] = [];
  const ordered = moves.toSorted((a, b) => Date.parse(a.record.startedAt) - Date.parse(b.record.startedAt));
  for (const { version, number } of ordered) {
    if (version !== undefined && versions.at(-1)?.version !== version) {
      versions.push({ version, from: number });
    }
  }
  return versions;
}

/** What a reader of a run must know before anything else; empty: its repeats look exchangeable. */
export function driftWarnings(drifts: readonly RunDrift[]): string[] {
  return drifts.flatMap(({ file, tests, step, versions }) => {
    const which = drifts.length > 1 ? `${file}: ` : "";
    const found = tests.filter(({ p }) => p <= level);
    const changes = step?.ratios.map(({ mode, ratio, agreeing, cells }) => {
      const percent = Math.round(Math.abs(ratio - 1) * 100);
      return `${mode} moves take ${percent} % ${ratio > 1 ? "longer" : "less time"} (in ${agreeing} of ${cells} cells)`;
    });
    return [
      ...(step
        ? [
            `${which}the run falls into two: from move ${step.from.number} on (${step.from.record.startedAt.slice(0, 16).replace("T", " ")} UTC) ${changes?.join(", ")}. Repeats are not exchangeable: something changed, and intervals are rougher than their level says.`,
          ]
        : found.length > 0
          ? [
              `${which}repeats depend on their order (${found.map(({ name }) => name).join(", ")}): intervals are rougher than their level says.`,
            ]
          : []),
      ...(versions.length > 1
        ? [
            `${which}the moves were made by ${versions.length} versions of this project (${versions.map(({ version, from }) => `${version} from move ${from} on`).join(", ")}).`,
          ]
        : []),
    ];
  });
}
