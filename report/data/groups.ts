import { basename } from "node:path";
import type { Move } from "./dataset.ts";
import { labelOf, labelsApart } from "./group-labels.ts";
import { workloadSettings } from "./measures.ts";

/** Moves made under the same conditions, as far as files tell: they are repeats of one another. */
interface Group {
  key: string;
  label: string;
  moves: Move[];
}

/**
 * Groups moves by their cell where an experiment made them, in the experiment's order and not in that of its draw; and by what their records
 * tell elsewhere, in the order of the records.
 */
export function groupsOf(moves: readonly Move[]): Group[] {
  const files = [...new Set(moves.map(({ file }) => file))];
  const groups = [...Map.groupBy(moves, keyOf)]
    .map(([key, members]) => {
      const [first] = members as [Move, ...Move[]];
      const { file, cell, record } = first;
      return { key, label: labelOf(first), file, cell, guest: record.guest, moves: members };
    })
    .toSorted(
      (a, b) =>
        files.indexOf(a.file) - files.indexOf(b.file) ||
        (a.cell?.place ?? 0) - (b.cell?.place ?? 0) ||
        (a.cell && b.cell ? a.guest.localeCompare(b.guest, "en", { numeric: true }) : 0),
    );
  const labels = new Map([...Map.groupBy(groups, ({ label }) => label).values()].flatMap(labelsOf));
  return groups.map(({ key, label, moves: members }) => ({
    key,
    label: labels.get(key) ?? label,
    moves: members,
  }));
}

/** The labels of groups that are called the same, by key. */
function labelsOf(alike: readonly (Group & Pick<Move, "file" | "cell">)[]): [string, string][] {
  if (alike.length === 1) return [];
  const [ofStacks, ofRuns] = [alike.filter(({ cell }) => !cell), alike.filter(({ cell }) => cell)];
  const apart = labelsApart(ofStacks.map(({ moves }) => moves[0] as Move));
  return [
    ...ofStacks.map(({ key }, index): [string, string] => [key, apart[index] as string]),
    // Two runs of one experiment have the same cells.
    ...ofRuns.map(({ key, label, file }): [string, string] => [
      key,
      `${label} (${basename(file, ".jsonl")})`,
    ]),
  ];
}

const keyOf = ({ cell, file, record }: Move): string =>
  cell
    ? `${file} ${cell.id} ${record.guest}`
    : `${setting(record)} ${record.mode} ${JSON.stringify(sorted(record.options))}`;

/** What live and offline are compared in: the same guest under the same conditions. */
export function stratumOf(move: Move): string {
  const { memoryMiB, workload } = move.record;
  return JSON.stringify([memoryMiB, sorted(workload), conditionsOf(move)]);
}

/** What moves of one mode are compared in, whatever the guest: the same conditions, asked for in the same way, but for what is named. */
export function mannerOf(move: Move, but?: keyof NonNullable<Move["record"]["options"]>): string {
  const options = Object.entries(move.record.options ?? {}).filter(([key]) => key !== but);
  return JSON.stringify([conditionsOf(move), sorted(Object.fromEntries(options))]);
}

/**
 * What moves of several memory sizes are compared in: all that was set, but for how much of the memory its workload uses, which may grow with it.
 */
export const comparedKind = (move: Move): string =>
  JSON.stringify([sorted(workloadSettings(move.record).others), mannerOf(move)]);

/** Those of the guest, of the hosts, of the disk and of the network. A rate of the link and a number of CPUs are known of an experiment alone. */
function conditionsOf({ cell, record: { accelerator, nfsTransport, redo } }: Move) {
  const { linkMiBps, arrangement, direction, vcpus } = cell?.factors ?? {};
  return [accelerator, nfsTransport, redo, linkMiBps, arrangement, direction, vcpus];
}

const setting = ({ memoryMiB, workload, accelerator, nfsTransport, redo }: Move["record"]): string =>
  JSON.stringify([memoryMiB, sorted(workload), accelerator, nfsTransport, redo]);

/** As pairs, keys in one order: the same workload said in another order is the same. */
export function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
}
