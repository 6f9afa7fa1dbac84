import { mean, sampleStandardDeviation } from "simple-statistics";
import { type Estimate, wantedConfidence } from "./statistics.ts";
import { studentQuantile } from "./student.ts";

/** A figure of which less is better, measured in one way to move: one value in each block of a run. */
export interface TriedSetting {
  way: string;
  /** By block, above 0. */
  values: ReadonlyMap<string, number>;
}

/** A setting against the plain one, in the same blocks. */
interface ComparedSetting {
  way: string;
  blocks: number;
  /**
   * How many times as much as the plain way, with its interval. All intervals of one comparison hold together: with 95 % none of them is wrong. So that
   * of the best one holds, too, although it was picked.
   */
  ratio: Estimate;
}

export interface BestSetting {
  /** In the order of the settings. */
  compared: ComparedSetting[];
  /** That with the least ratio among those whose whole interval is below 1; absent: none is better than the plain way, as far as can be told. */
  best?: ComparedSetting;
  /**
   * What a move takes, in times of the plain way, when its way is picked like this: in each block as picked by all others, which knew nothing of
   * it. The ratio of the best is a little too good, since it was picked; this is not. Absent: too few blocks have all settings.
   */
  pickedRatio?: number;
}

/** Of fewer blocks an interval says next to nothing. */
const leastBlocks = 5;

/**
 * Which setting is better than the plain one, and by how much. Values are compared within their block, as logarithms: what is slow in a whole block does
 * not matter. Intervals are those of Student's t, with Bonferroni's share of the 5 % for each setting, however many are tried.
 *
 * @param settings the others; those that have too few blocks in common with the plain one are left out
 */
export function bestSetting(
  plain: ReadonlyMap<string, number>,
  settings: readonly TriedSetting[],
): BestSetting {
  const logs = settings
    .map(({ way, values }) => ({ way, logs: logRatios(values, plain) }))
    .filter((setting) => setting.logs.size >= leastBlocks);
  const compared = logs.map((setting) => comparedOf(setting, logs.length));
  const better = compared.filter(({ ratio }) => ratio.high < 1);
  const best = better.toSorted((a, b) => a.ratio.value - b.ratio.value)[0];
  const pickedRatio = picked(logs.map((setting) => setting.logs));
  return { compared, ...(best && { best }), ...(pickedRatio !== undefined && { pickedRatio }) };
}

type LogRatios = ReadonlyMap<string, number>;

const logRatios = (values: ReadonlyMap<string, number>, plain: ReadonlyMap<string, number>): LogRatios =>
  new Map(
    [...values].flatMap(([block, value]) => {
      const other = plain.get(block);
      return other === undefined || !(value > 0 && other > 0) ? [] : [[block, Math.log(value / other)]];
    }),
  );

function comparedOf({ way, logs }: { way: string; logs: LogRatios }, settings: number): ComparedSetting {
  const values = [...logs.values()];
  const middle = mean(values);
  const error = sampleStandardDeviation(values) / Math.sqrt(values.length);
  const confidence = 1 - (1 - wantedConfidence) / settings;
  const margin = studentQuantile(confidence, values.length - 1) * error;
  return {
    way,
    blocks: values.length,
    ratio: {
      value: Math.exp(middle),
      low: Math.exp(middle - margin),
      high: Math.exp(middle + margin),
      confidence: wantedConfidence,
    },
  };
}

/** Each block's ratio of the setting with the least mean over all other blocks, or 1 where that is the plain one. */
function picked(settings: readonly LogRatios[]): number | undefined {
  const [first, ...others] = settings;
  const blocks = [...(first?.keys() ?? [])].filter((block) => others.every((logs) => logs.has(block)));
  if (blocks.length < leastBlocks) return undefined;
  const gains = blocks.map((block) => {
    let [least, gain] = [0, 0];
    for (const logs of settings) {
      const elsewhere = mean(
        blocks.filter((other) => other !== block).map((other) => logs.get(other) as number),
      );
      if (elsewhere < least) [least, gain] = [elsewhere, logs.get(block) as number];
    }
    return gain;
  });
  return Math.exp(mean(gains));
}
