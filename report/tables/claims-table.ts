import { intervalText, type Verdict } from "../claims/claim.ts";
import type { JudgedClaim } from "../claims/claims.ts";
import { type TableModel, type Tone, text } from "../text/table-model.ts";

const tones: Record<Verdict, Tone> = { reproduced: "good", "not reproduced": "bad", "can't tell": "open" };

/** The paper's claims, and what the files say of each. Undefined: there is none to tell of. */
export function claimsTable(judged: readonly JudgedClaim[]): TableModel | undefined {
  if (judged.length === 0) return undefined;
  const tests = new Map(judged.map(({ finding: { test } }) => [`${test.name}: ${test.how}.`, test]));
  return {
    id: "claims",
    title: "The paper's claims",
    columns: [
      "claim",
      "verdict",
      "effect",
      "guests like these",
      "these guests",
      "test",
      "rests on",
      "remark",
    ].map(text),
    rows: judged.map(({ claim, finding }) => [
      claim.says,
      { shown: finding.verdict, tone: tones[finding.verdict] },
      finding.effect,
      finding.estimate && finding.show && intervalText(finding.estimate, finding.show),
      finding.ofThese && finding.show && intervalText(finding.ofThese, finding.show),
      finding.test.name,
      finding.basis,
      finding.remark,
    ]),
    notes: [
      "Said to be reproduced, or not, only when the whole interval of guests like these says so, and when that has 95 %. Guests like these: what other guests of the kind would give on these machines; the guest is the unit, its repeats are one value, the interval is exact, and its level stands beside it. These guests: what repeating the moves with them would give; whole blocks of the run are drawn anew. Each claim is tested by itself.",
      ...tests.keys(),
    ].map((note) => `${note[0]?.toUpperCase()}${note.slice(1)}`),
  };
}
