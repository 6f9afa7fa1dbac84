import type { MoveCommandSample } from "./move-command.ts";
import type { MoveSample } from "./moves.ts";
import type { NoChangeSample } from "./no-change.ts";
import { type Comparison, compare, type Pair, type Summary, summary } from "./statistics.ts";

type Figure =
  | "qemuTotalMs"
  | "qemuDowntimeMs"
  | "jobElapsedMs"
  | "jobDowntimeMs"
  | "moveMs"
  | "aroundMs"
  | "wallMs";

export interface MoveFindings {
  figures: Record<Figure, Comparison>;
  /** What moving through the engine takes besides the transfer, more than plain virsh does around it. */
  fixedCost: Summary;
  /** `pulumi up` around the engine's move: its preview, the program, the other resources. */
  upAroundMove: Summary;
}

/** What is asked of the moves, and what of it holds. */
export const targets = { ratio: 1.05, fixedCostMs: 500, emptyPhases: 1.2 } as const;

export function moveFindings(samples: readonly MoveSample[]): MoveFindings {
  const pairs = pairsOf(samples);
  const of = (figure: Figure) =>
    compare(pairs.map(({ ours, reference }): Pair => ({ ours: ours[figure], reference: reference[figure] })));
  const figures = {
    qemuTotalMs: of("qemuTotalMs"),
    qemuDowntimeMs: of("qemuDowntimeMs"),
    jobElapsedMs: of("jobElapsedMs"),
    jobDowntimeMs: of("jobDowntimeMs"),
    moveMs: of("moveMs"),
    aroundMs: of("aroundMs"),
    wallMs: of("wallMs"),
  };
  return {
    figures,
    fixedCost: figures.aroundMs.pairDifference,
    upAroundMove: summary(pairs.map(({ ours }) => ours.wallMs - ours.moveMs)),
  };
}

/** Pairs of which both moves were made: a run that broke off may have half a pair at its end. */
function pairsOf(samples: readonly MoveSample[]): { ours: MoveSample; reference: MoveSample }[] {
  return [...Map.groupBy(samples, ({ pair }) => pair).values()].flatMap((members) => {
    const ours = members.find(({ arm }) => arm === "pulumi");
    const reference = members.find(({ arm }) => arm === "virsh");
    return ours && reference ? [{ ours, reference }] : [];
  });
}

export const noChangeFindings = (samples: readonly NoChangeSample[]): Comparison =>
  compare(samples.map(({ testbedMs, emptyMs }) => ({ ours: testbedMs, reference: emptyMs })));

/** What `npm run move` takes beside the move, against one phase of an empty stack; and what is left when as many such phases are taken off as it may take. */
export function moveCommandFindings(samples: readonly MoveCommandSample[]): {
  around: Comparison;
  beyondEmpty: Summary;
} {
  const pairs = samples.map(({ wallMs, engineMs, emptyMs }) => ({
    ours: wallMs - engineMs,
    reference: emptyMs,
  }));
  return {
    around: compare(pairs),
    beyondEmpty: summary(pairs.map(({ ours, reference }) => ours - targets.emptyPhases * reference)),
  };
}

/** A target, what was measured, and whether that is enough to say that it is met, or is not. */
export interface Verdict {
  target: string;
  measured: string;
  verdict: "met" | "not met" | "undetermined";
}

export function verdicts({ figures, fixedCost }: MoveFindings): Verdict[] {
  const ratio = (what: string, { ratioOfMedians, ratioInterval95: [low, high] }: Comparison): Verdict => ({
    target: `${what} within ${Math.round((targets.ratio - 1) * 100)} % of plain virsh migrate`,
    measured: `${ratioOfMedians.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})`,
    verdict: high <= targets.ratio ? "met" : low > targets.ratio ? "not met" : "undetermined",
  });
  return [
    ratio("QEMU's total", figures.qemuTotalMs),
    ratio("downtime", figures.qemuDowntimeMs),
    {
      target: `fixed cost around the transfer under ${targets.fixedCostMs / 1000} s`,
      measured: `${(fixedCost.median / 1000).toFixed(2)} s (${(fixedCost.min / 1000).toFixed(2)} to ${(fixedCost.max / 1000).toFixed(2)})`,
      verdict: fixedCost.median < targets.fixedCostMs ? "met" : "not met",
    },
  ];
}
