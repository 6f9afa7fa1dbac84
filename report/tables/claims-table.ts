import type { Finding, Verdict } from "../claims/claim.ts";
import { judgedClaims } from "../claims/claims.ts";
import type { Dataset } from "../dataset.ts";
import { type TableModel, type Tone, text } from "../table-model.ts";

const tones: Record<Verdict, Tone> = { reproduced: "good", "not reproduced": "bad", "can't tell": "open" };

/** The paper's claims, and what the files say of each. */
export function claimsTable(dataset: Dataset): TableModel {
  return {
    id: "claims",
    title: "The paper's claims",
    columns: ["claim", "verdict", "effect", "95 % interval", "rests on", "remark", "test"].map(text),
    rows: judgedClaims(dataset).map(({ claim, finding }) => [
      claim.says,
      { shown: finding.verdict, tone: tones[finding.verdict] },
      finding.effect,
      finding.interval,
      finding.basis,
      finding.remark,
      capital(finding),
    ]),
    notes: [
      "Reproduced, or not, is said only when the whole interval says so; each is tested by itself, so of seven claims one in three times one interval misses the truth.",
      "Intervals tell what repeating the moves on these machines with these guests would give, not what other machines would.",
    ],
  };
}

const capital = ({ test }: Finding): string => `${test[0]?.toUpperCase()}${test.slice(1)}.`;
