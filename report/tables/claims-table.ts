import type { Verdict } from "../claims/claim.ts";
import { judgedClaims } from "../claims/claims.ts";
import type { Dataset } from "../data/dataset.ts";
import { type TableModel, type Tone, text } from "../text/table-model.ts";

const tones: Record<Verdict, Tone> = { reproduced: "good", "not reproduced": "bad", "can't tell": "open" };

/** The paper's claims, and what the files say of each. */
export function claimsTable(dataset: Dataset): TableModel {
  const judged = judgedClaims(dataset);
  const tests = new Map(judged.map(({ finding: { test } }) => [`${test.name}: ${test.how}.`, test]));
  return {
    id: "claims",
    title: "The paper's claims",
    columns: ["claim", "verdict", "effect", "95 % interval", "test", "rests on", "remark"].map(text),
    rows: judged.map(({ claim, finding }) => [
      claim.says,
      { shown: finding.verdict, tone: tones[finding.verdict] },
      finding.effect,
      finding.interval,
      finding.test.name,
      finding.basis,
      finding.remark,
    ]),
    notes: [
      "Said to be reproduced, or not, only when the whole interval says so. Intervals tell what repeating the moves on these machines, with these guests, would give; each claim is tested by itself.",
      ...tests.keys(),
    ].map((note) => `${note[0]?.toUpperCase()}${note.slice(1)}`),
  };
}
