import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { isLive, isOffline, phaseMs } from "../data/measures.ts";
import { summaryOf } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** The paper's own figures, of its machines: two hosts with 2 x 4-core Xeon E5540 and 12 GB, guests with 1024 MiB. */
const paper: readonly {
  name: string;
  paperSeconds: string;
  which: (move: Move) => boolean;
  of: (move: Move) => number | undefined;
}[] = [
  {
    name: "offline: suspend",
    paperSeconds: "2.8",
    which: isOffline,
    of: ({ record }) => phaseMs(record, "suspend"),
  },
  {
    name: "offline: copy",
    paperSeconds: "7.3",
    which: isOffline,
    of: ({ record }) => phaseMs(record, "copy"),
  },
  {
    name: "offline: resume",
    paperSeconds: "0.7",
    which: isOffline,
    of: ({ record }) => phaseMs(record, "resume"),
  },
  {
    name: "offline: total (TMT)",
    paperSeconds: "10.7 to 10.8",
    which: isOffline,
    of: ({ record }) => record.totalMs,
  },
  {
    name: "offline: downtime (TDT)",
    paperSeconds: "10.7 to 10.8",
    which: isOffline,
    of: ({ record }) => record.downtimeMs,
  },
  {
    name: "live: total (TMT)",
    paperSeconds: "12.3 to 12.5",
    which: isLive,
    of: ({ record }) => record.totalMs,
  },
  { name: "live: downtime (TDT)", paperSeconds: "7", which: isLive, of: ({ record }) => record.downtimeMs },
];

const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 1000 ? 3 : 2);

/** The paper's figures beside those of the cells here; undefined: nothing here compares to any. */
export function paperTable(dataset: Dataset): TableModel | undefined {
  const counted = countedMoves(dataset);
  const rows = paper.map(({ name, paperSeconds, which, of }) => {
    // Cells are of different guests: what their moves have in common, pooled, would be the mix of them.
    const medians = groupsOf(counted.filter(which)).flatMap(
      ({ moves }) => summaryOf(moves.map(of).filter((value) => value !== undefined))?.median ?? [],
    );
    return { name, paperSeconds, summary: summaryOf(medians) };
  });
  if (rows.every(({ summary }) => summary === undefined)) return undefined;
  return {
    id: "paper",
    title: "The paper's figures and these, s",
    columns: [
      text("what"),
      figure("paper"),
      figure("middle cell here"),
      figure("least cell"),
      figure("most cell"),
      figure("cells"),
    ],
    rows: rows.map(({ name, paperSeconds, summary }) => [
      name,
      { shown: paperSeconds, sortsAs: Number.parseFloat(paperSeconds) },
      number(summary?.median, seconds),
      number(summary?.least, seconds),
      number(summary?.most, seconds),
      number(summary?.count, String),
    ]),
    notes: [
      "Other machines, other guests: what compares is the order of things, not the seconds. Of each cell its median; then the middle, the least and the greatest of them. Guests differ, so there is no interval that all of them have in common.",
    ],
  };
}
