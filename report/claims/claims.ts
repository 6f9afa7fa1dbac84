import type { Dataset } from "../data/dataset.ts";
import { memoryClaims } from "./against-memory.ts";
import type { Claim, Finding } from "./claim.ts";
import { dirtyRateClaim } from "./dirty-rate.ts";
import { downtimeIsTotalClaim } from "./downtime-and-total.ts";
import { comparisonClaims, limitedClaims } from "./live-against-offline.ts";
import { copyClaim } from "./offline-phases.ts";

/** What the paper claims of migrations between two hosts with shared NFS4 storage, in its order. */
export const claims: readonly Claim[] = [
  downtimeIsTotalClaim,
  ...memoryClaims,
  copyClaim,
  ...comparisonClaims,
  dirtyRateClaim,
];

export interface JudgedClaim {
  claim: Claim;
  finding: Finding;
}

/** Resampling takes its time: a table and a figure of the same moves judge them once. */
const known = new WeakMap<Dataset, JudgedClaim[]>();

/** The paper's claims, and those of them that these files ask under other conditions, too. */
export function judgedClaims(dataset: Dataset): JudgedClaim[] {
  const judged =
    known.get(dataset) ??
    [...claims, ...limitedClaims(dataset)].map((claim) => ({ claim, finding: claim.judge(dataset) }));
  known.set(dataset, judged);
  return judged;
}
