import type { Dataset } from "../data/dataset.ts";
import { type JudgedClaim, judgedClaims } from "./claims.ts";

export interface AskedClaims {
  shown: JudgedClaim[];
  /** These moves were made to test them. */
  isAsked: boolean;
}

/**
 * The claims that a report tells of. All, where an experiment says so in its file, or where most can be told: runs from before files said it. From
 * any other moves those alone that can be told: two moves of a lab were not made to test any.
 */
export function askedClaims(dataset: Dataset): AskedClaims {
  const judged = judgedClaims(dataset);
  const told = judged.filter(({ finding }) => finding.verdict !== "can't tell");
  const isAsked = dataset.sources.some(({ head }) => asks(head?.asked)) || told.length * 2 > judged.length;
  return { shown: isAsked ? judged : told, isAsked };
}

/** Whether the experiment's file, which a run's head has, has `claims: true`. */
function asks(asked: unknown): boolean {
  const { experiment } = (asked ?? {}) as { experiment?: { claims?: unknown } | null };
  return experiment?.claims === true;
}
