import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { dirtyMiBps, workloadOf } from "../data/measures.ts";
import { type Summary, summaryOf } from "../data/statistics.ts";
import { levelNote } from "../text/levels.ts";
import { figure, ms, number, type TableCell, type TableModel, text } from "../text/table-model.ts";

/** The medians of every cell, whatever its mode. */
export function cellsTable(dataset: Dataset): TableModel {
  const groups = groupsOf(countedMoves(dataset));
  const of = (moves: readonly Move[], value: (move: Move) => number | undefined): Summary | undefined =>
    summaryOf(moves.map(value).filter((one) => one !== undefined));
  return {
    id: "cells",
    title: "Cells: medians and their intervals, ms",
    columns: [
      text("cell"),
      text("workload"),
      figure("MiB"),
      figure("moves"),
      figure("total"),
      figure("downtime"),
      figure("client"),
      figure("passes"),
      figure("sent MiB"),
      figure("dirty MiB/s"),
    ],
    rows: groups.map(({ label, moves }) => [
      label,
      workloadOf((moves[0] as Move).record),
      number(moves[0]?.record.memoryMiB, String),
      number(moves.length, String),
      withInterval(of(moves, ({ record }) => record.totalMs)),
      withInterval(of(moves, ({ record }) => record.downtimeMs)),
      withInterval(of(moves, ({ record }) => record.clientDowntimeMs)),
      number(of(moves, ({ record }) => record.iterations)?.median, String),
      number(of(moves, ({ record }) => record.transferredMiB)?.median),
      number(of(moves, ({ record }) => dirtyMiBps(record))?.median),
    ]),
    notes: [
      "client: the longest silence that a client saw. dirty: mean rate at which memory got dirty while it was sent.",
      levelNote,
      "Counted are completed moves; not warm-up, not those of which the records do not add up.",
    ],
  };
}

function withInterval(summary: Summary | undefined): TableCell {
  if (!summary) return undefined;
  const { median, interval } = summary;
  const shown = interval ? `${ms(median)} (${ms(interval.low)} to ${ms(interval.high)})` : ms(median);
  return { shown, sortsAs: median };
}
