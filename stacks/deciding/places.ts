import type { Impossible, Place, Proposal } from "../../placement/terms/policy.ts";
import { explained, type PlacementProblem } from "../../placement/terms/reason.ts";
import { type Mistake, pathText } from "../mistake.ts";

/** Each guest's place, in which turn it gets there, and after whose moves. */
export function placesOf({
  places,
  moves,
}: Proposal): Record<string, Place & { turn?: number; after?: string[] }> {
  return Object.fromEntries(
    Object.entries(places).map(([guest, place]) => {
      const turn = moves.findIndex((move) => move.guest === guest);
      const after = (moves[turn]?.after ?? []).flatMap((at) => moves[at]?.guest ?? []);
      return [guest, { ...place, ...(turn >= 0 && { turn }), ...(after.length > 0 && { after }) }];
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
