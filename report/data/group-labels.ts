import type { MigrationRecord } from "../../moves/record.ts";
import type { Move } from "./dataset.ts";
import { workloadOf } from "./measures.ts";

/** What the repeats of a group are called, after one of them: by the experiment's cell, or by what a stack's record tells first. */
export function labelOf({ cell, record }: Move): string {
  if (!cell) return `${record.memoryMiB} MiB, ${workloadOf(record)}, ${record.mode}`;
  return cell.factors.guests === undefined ? cell.id : `${cell.id}, ${record.guest}`;
}

/**
 * Labels of groups of stacks' moves that would all be called the same, after one move of each: with what it has that another has not, be it options,
 * parameters of the workload, or what its hosts are.
 */
export function labelsApart(moves: readonly Move[]): string[] {
  const told = moves.map(({ record }) => tellsOf(record));
  return moves.map((move, index) => {
    const own = [...(told[index] as Map<string, string>)];
    const differs = own.filter(([name, value]) => told.some((other) => other.get(name) !== value));
    const words = differs.map(([name, value]) => (value === "" ? name : `${name} ${value}`));
    return [labelOf(move), ...words].join(", ");
  });
}

/** What a record tells beside memory, mode and the kind of workload, by name. */
function tellsOf({
  workload,
  options,
  accelerator,
  nfsTransport,
  redo,
}: MigrationRecord): Map<string, string> {
  return new Map([
    ...leaves({ accelerator, nfsTransport, redo, workload }),
    ...(options ? leaves(options) : [["options", "not recorded"] as const]),
  ]);
}

/** Each value in it by its name, and that of what it is in: `autoConverge.initial`. An empty object is a name alone. */
function leaves(value: unknown, name = ""): [string, string][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) return [[name, `${value}`]];
  const entries = Object.entries(value);
  if (entries.length === 0 && name !== "") return [[name, ""]];
  return entries.flatMap(([key, one]) => leaves(one, name === "" ? key : `${name}.${key}`));
}
