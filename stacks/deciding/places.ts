import type { Impossible, Place, Proposal } from "../../placement/policy.ts";
import { explained, type PlacementProblem } from "../../placement/reason.ts";
import { type Mistake, pathText } from "../mistake.ts";

/** Each guest's place, and after whose moves it gets there. */
export function placesOf({ places, moves }: Proposal): Record<string, Place & { after?: string[] }> {
  const waits = new Map(
    moves.map(({ guest, after }) => [guest, after.flatMap((at) => moves[at]?.guest ?? [])] as const),
  );
  return Object.fromEntries(
    Object.entries(places).map(([guest, place]) => {
      const after = waits.get(guest) ?? [];
      return [guest, { ...place, ...(after.length > 0 && { after }) }];
    }),
  );
}

/** What speaks against a stack whose guests can't be where they must. */
export const problemsOf = (outcome: Impossible | Proposal): Mistake[] =>
  outcome.isFeasible
    ? []
    : outcome.problems.map((problem) => ({ path: pathText([sectionOf(problem)]), ...explained(problem) }));

function sectionOf(problem: PlacementProblem): string {
  switch (problem.kind) {
    case "no-place":
      return problem.from === undefined ? "policy" : "drain";
    case "no-way":
      return "drain";
    case "overfull":
      return "guests";
    case "broken-rule":
    case "contradiction":
    case "unknown":
      return "affinity";
    case "unmeasured":
      return "hosts";
  }
}
