import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { isOffline, phaseMs } from "../data/measures.ts";
import { medianInterval } from "../data/statistics.ts";
import { above, type Claim, type Finding, intervalText, leastRepeats, plural, type Test } from "./claim.ts";

/** How far downtime and total may differ and still be called equal: the paper's own differ by 1 %. */
const equalWithin = 0.05;

/** Claims that each single offline move speaks for or against: a ratio of two of its own figures. */
export const perMoveClaims: readonly Claim[] = [
  {
    id: "offline-downtime-is-total",
    says: "Offline, the downtime equals the total migration time",
    judge: (dataset) => {
      const ratios = ratiosOf(dataset, ({ record }) => ratio(record.downtimeMs, record.totalMs));
      const test = {
        name: "sign test, equivalence",
        how: `exact interval of the moves' median ratio, by order statistics; equal means within ${equalWithin * 100} %: reproduced when all of the interval is above ${1 - equalWithin}, not reproduced when none of it is`,
      };
      return judged(ratios, "downtime / total", 1 - equalWithin, test);
    },
  },
  {
    id: "copy-is-longest",
    says: "Offline, copy is the longest phase",
    judge: (dataset) => {
      const ratios = ratiosOf(dataset, ({ record }) => {
        const others = [phaseMs(record, "suspend"), phaseMs(record, "resume")];
        const known = others.filter((value) => value !== undefined);
        return known.length < others.length ? undefined : ratio(phaseMs(record, "copy"), Math.max(...known));
      });
      const test = {
        name: "sign test",
        how: "exact interval of the moves' median ratio, by order statistics: reproduced when all of it is above 1, not reproduced when none of it is",
      };
      return judged(ratios, "copy / the longer of suspend and resume", 1, test);
    },
  },
];

interface Ratio {
  move: Move;
  value: number;
}

function ratiosOf(dataset: Dataset, of: (move: Move) => number | undefined): Ratio[] {
  return countedMoves(dataset)
    .filter(isOffline)
    .flatMap((move) => {
      const value = of(move);
      return value === undefined ? [] : [{ move, value }];
    });
}

const ratio = (part: number | undefined, whole: number): number | undefined =>
  part === undefined || whole <= 0 ? undefined : part / whole;

function judged(ratios: readonly Ratio[], name: string, border: number, test: Test): Finding {
  const groups = groupsOf(ratios.map(({ move }) => move));
  const basis = `${plural(ratios.length, "offline move")} in ${plural(groups.length, "cell")}`;
  const estimate = medianInterval(ratios.map(({ value }) => value).sort((a, b) => a - b));
  if (!estimate || ratios.length < leastRepeats) {
    return { verdict: "can't tell", test, basis, remark: `it takes ${leastRepeats} offline moves or more` };
  }
  const show = (value: number) => value.toFixed(value < 10 ? 3 : 1);
  const onItsSide = ratios.filter(({ value }) => value > border).length;
  return {
    verdict: above(estimate, border),
    effect: `${name} = ${show(estimate.value)}`,
    estimate,
    interval: intervalText(estimate, show),
    test,
    basis,
    remark: `above ${border} in ${onItsSide} of ${ratios.length}`,
  };
}
