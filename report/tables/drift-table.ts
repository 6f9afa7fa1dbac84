import { level, type RunDrift } from "../data/drift.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

const said = {
  step: "the greatest cumulative sum, over its scale: the run falls into two",
  runs: "how often residuals change sides: seldom, if neighbours are alike",
  "lag-1 correlation": "how alike a move and the next one are",
} as const;

/** What tests say of the order of a run's moves. */
export function driftTable({ tests, step, versions }: RunDrift, id: string): TableModel {
  return {
    id,
    title: "Does the order matter?",
    columns: [text("test"), text("what it looks at"), figure("value"), figure("p"), text("says")],
    rows: tests.map(({ name, value, p }) => [
      name,
      said[name],
      number(value, (one) => (name === "runs" ? String(one) : one.toFixed(2).replace("-", "−"))),
      number(p, (one) => (one < 0.002 ? "< 0.002" : one.toFixed(3))),
      p <= level ? { shown: "yes", tone: "bad" } : { shown: "not seen", tone: "good" },
    ]),
    notes: [
      "Of the logarithms of totals, less their cell's median, far ones bounded. p: by drawing the order within cells anew, corrected for three tests (Holm).",
      ...(step
        ? [
            `With the step before move ${step.from.number} taken out the lag-1 correlation is ${step.correlationWithin.toFixed(2).replace("-", "−")}.`,
          ]
        : []),
      ...(versions.length > 0
        ? [`Made by ${versions.map(({ version, from }) => `${version} (from move ${from} on)`).join(", ")}.`]
        : ["The lines do not say which version of this project made them."]),
    ],
  };
}
