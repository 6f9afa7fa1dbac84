import type { Dataset } from "../data/dataset.ts";
import { memoryClaims } from "./against-memory.ts";
import type { Claim, Finding } from "./claim.ts";
import { dirtyRateClaim } from "./dirty-rate.ts";
import { comparisonClaims } from "./live-against-offline.ts";
import { perMoveClaims } from "./per-move.ts";

/** What the paper claims of migrations between two hosts with shared NFS4 storage, in its order. */
export const claims: readonly Claim[] = [
  perMoveClaims[0] as Claim,
  ...memoryClaims,
  perMoveClaims[1] as Claim,
  ...comparisonClaims,
  dirtyRateClaim,
];

export const judgedClaims = (dataset: Dataset): { claim: Claim; finding: Finding }[] =>
  claims.map((claim) => ({ claim, finding: claim.judge(dataset) }));
