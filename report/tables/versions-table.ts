import { median } from "simple-statistics";
import type { RunHead } from "../../moves/experiment-run.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { Dataset } from "../data/dataset.ts";
import { figure, number, type TableCell, type TableModel, text } from "../text/table-model.ts";

/** One move between hosts, or one that was never begun. */
interface Attempt {
  way: string;
  from: string;
  to: string;
  /** Absent: it was refused before anything moved. */
  record?: MigrationRecord;
  why?: string;
}

type Versions = Pick<MigrationRecord["versions"]["from"], "qemu" | "libvirt">;

const said = ({ qemu, libvirt }: Versions): string => `QEMU ${qemu}, libvirt ${libvirt}`;

/**
 * Which ways lead from which versions to which. Undefined: all moves were between hosts with the same ones.
 */
export function versionsTable(dataset: Dataset): TableModel | undefined {
  const attempts = [...made(dataset), ...refused(dataset)];
  if (attempts.every(({ from, to }) => from === to)) return undefined;
  const groups = Map.groupBy(attempts, ({ way, from, to }) => JSON.stringify([way, from, to]));
  const rows = [...groups.values()].map((some): TableCell[] => {
    const [{ way, from, to }] = some as [Attempt];
    const completed = some.flatMap(({ record }) => (record?.outcome === "completed" ? [record] : []));
    const why = some.flatMap((attempt) => attempt.why ?? [])[0];
    const downtimes = completed.flatMap(({ downtimeMs }) => downtimeMs ?? []);
    return [
      way,
      from,
      to,
      number(some.length, String),
      verdict(some, completed.length),
      number(completed.length > 0 ? median(completed.map(({ totalMs }) => totalMs)) : undefined),
      number(downtimes.length > 0 ? median(downtimes) : undefined),
      why?.replaceAll(/\s+/g, " ").trim(),
    ];
  });
  return {
    id: "versions",
    title: "Between versions",
    columns: [
      text("way"),
      text("from"),
      text("to"),
      figure("moves"),
      text("verdict"),
      figure("total, ms"),
      figure("downtime, ms"),
      text("why not"),
    ],
    rows,
    notes: [
      "What was tried, not what is promised: QEMU promises a move to the same or a newer version, with the same machine type.",
      "refused: it was not begun, and nothing was touched. Times are medians of the moves that were completed; warm-up counts.",
    ],
  };
}

function verdict(some: readonly Attempt[], completed: number): TableCell {
  if (completed === some.length) return { shown: "moves", tone: "good" };
  if (completed > 0) return { shown: `${completed} of ${some.length} move`, tone: "open" };
  const outcomes = new Set(some.map(({ record }) => record?.outcome ?? "refused"));
  return { shown: [...outcomes].join(", "), tone: "bad" };
}

const made = ({ moves }: Dataset): Attempt[] =>
  moves.flatMap(({ record, cell, isInterrupted }) =>
    isInterrupted
      ? []
      : [
          {
            way: wayIn(cell?.factors) ?? record.mode,
            from: said(record.versions.from),
            to: said(record.versions.to),
            record,
            ...(record.error !== undefined && { why: record.error }),
          },
        ],
  );

/** Of a move that was not begun, the head says between which hosts it was to be. */
function refused({ failures, sources }: Dataset): Attempt[] {
  const heads = new Map(sources.flatMap(({ file, head }) => (head ? [[file, head] as const] : [])));
  return failures.flatMap(({ file, cell: id, error, isInterrupted }) => {
    const head = heads.get(file);
    const cell = head?.cells.find((each) => each.id === id);
    if (isInterrupted || !head || !cell) return [];
    const ends = endsOf(head, cell.factors.direction === "back");
    return ends ? [{ way: wayIn(cell.factors) ?? id, ...ends, why: error }] : [];
  });
}

function endsOf(
  { conditions: { hosts } }: RunHead,
  isBack: boolean,
): Pick<Attempt, "from" | "to"> | undefined {
  const [first, second] = Object.values(hosts);
  if (!first || !second) return undefined;
  const [from, to] = isBack ? [second, first] : [first, second];
  return { from: said(from), to: said(to) };
}

/** A way is the same in both directions, which its versions tell. */
const wayIn = (factors: RunHead["cells"][number]["factors"] = {}): string | undefined =>
  typeof factors.way === "string" ? factors.way.replace(/ (forth|back)$/, "") : undefined;
