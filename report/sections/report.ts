import { countedMoves, type Dataset } from "../data/dataset.ts";
import { driftsIn, driftWarnings } from "../data/drift.ts";
import { downtimeFigure } from "../figures/downtimes.ts";
import type { Figure } from "../figures/figure.ts";
import { forestFigures } from "../figures/forest.ts";
import { latencyFigure } from "../figures/latency.ts";
import { orderFigures } from "../figures/order.ts";
import { paperFigures } from "../figures/paper.ts";
import { predictionFigures } from "../figures/prediction.ts";
import { remainingFigure } from "../figures/remaining.ts";
import { timelines } from "../figures/timeline.ts";
import { cellsTable } from "../tables/cells-table.ts";
import { checksTable } from "../tables/checks-table.ts";
import { claimsTable } from "../tables/claims-table.ts";
import { faultsTable } from "../tables/faults-table.ts";
import { loadTable } from "../tables/load-table.ts";
import { outliersTable } from "../tables/outliers-table.ts";
import { paperTable } from "../tables/paper-table.ts";
import { convergenceTable, replayedTable } from "../tables/prediction-table.ts";
import { problemsTable } from "../tables/problems-table.ts";
import { progressTable } from "../tables/progress-table.ts";
import { togetherTable } from "../tables/together-table.ts";
import { versionsTable } from "../tables/versions-table.ts";
import { levelNote } from "../text/levels.ts";
import type { TableModel } from "../text/table-model.ts";

/** A part of a report. What the files have nothing of is not there. */
export interface Section {
  id: string;
  title: string;
  intro?: string;
  figures: Figure[];
  tables: TableModel[];
}

export interface Report {
  title: string;
  dataset: Dataset;
  /** Of the sections below, the one that says most. */
  claims: TableModel;
  sections: Section[];
  /** What must be known before any of it is believed. */
  warnings: string[];
}

/** All that results files have to say, for a page and for a terminal. */
export function reportOf(dataset: Dataset): Report {
  const claims = claimsTable(dataset);
  const there = <T>(...some: (T | undefined)[]): T[] => some.filter((one) => one !== undefined);
  const sections: Section[] = [
    {
      id: "the-paper",
      title: "The paper's claims",
      intro:
        "Migration of KVM guests between two hosts with shared NFS4 storage, offline (suspend, copy, resume) and live (pre-copy): what was claimed, and what these moves say of it.",
      figures: forestFigures(dataset),
      tables: there(claims, paperTable(dataset)),
    },
    {
      id: "figures",
      title: "The paper's figures",
      intro: levelNote,
      figures: paperFigures(dataset),
      tables: [],
    },
    {
      id: "inside",
      title: "Inside a move",
      figures: there(...timelines(dataset), remainingFigure(dataset)),
      tables: there(checksTable(dataset)),
    },
    {
      id: "who-waits",
      title: "Who waits, and how long",
      figures: there(downtimeFigure(dataset), latencyFigure(dataset)),
      tables: there(progressTable(dataset)),
    },
    {
      id: "prediction",
      title: "Prediction and truth",
      figures: predictionFigures(dataset),
      tables: there(convergenceTable(dataset), replayedTable(dataset)),
    },
    { id: "loads", title: "Heavy and light loads", figures: [], tables: there(loadTable(dataset)) },
    { id: "drains", title: "Several guests", figures: [], tables: there(togetherTable(dataset)) },
    { id: "versions", title: "Between versions", figures: [], tables: there(versionsTable(dataset)) },
    { id: "trouble", title: "Faults", figures: [], tables: there(faultsTable(dataset)) },
    {
      id: "cells-of-all",
      title: "All cells",
      figures: [],
      tables: countedMoves(dataset).length > 0 ? there(cellsTable(dataset), outliersTable(dataset)) : [],
    },
    {
      id: "order-and-drift",
      title: "Order and drift",
      intro:
        "Whether repeats are repeats: a machine that gets slower, or a program that was changed in between, shows in the order of the moves.",
      figures: orderFigures(dataset),
      tables: [],
    },
    { id: "left-out", title: "Left out", figures: [], tables: there(problemsTable(dataset)) },
  ];
  return {
    title: titleOf(dataset),
    dataset,
    claims,
    warnings: driftWarnings(driftsIn(dataset)),
    sections: sections.filter(({ figures, tables }) => figures.length + tables.length > 0),
  };
}

function titleOf({ sources }: Dataset): string {
  const titles = [...new Set(sources.flatMap(({ head }) => head?.title ?? []))];
  if (titles.length > 0) return titles.join("; ");
  return "What migrations took";
}
