import { basename } from "node:path";
import { askedClaims } from "../claims/asked-claims.ts";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { driftsIn, driftWarnings } from "../data/drift.ts";
import type { SampledMove } from "../data/series.ts";
import { howToRead } from "../figures/against-memory.ts";
import { downtimeFigures } from "../figures/downtimes.ts";
import type { Figure } from "../figures/figure.ts";
import { forestFigures } from "../figures/forest.ts";
import { latencyFigures } from "../figures/latency.ts";
import { orderFigures } from "../figures/order.ts";
import { overviewFigure } from "../figures/overview.ts";
import { paperFigures } from "../figures/paper.ts";
import { predictionFigures } from "../figures/prediction.ts";
import { remainingFigure } from "../figures/remaining.ts";
import { spreadFigure } from "../figures/spread.ts";
import { throughFigures } from "../figures/through.ts";
import { timelines } from "../figures/timeline.ts";
import { cellsTable } from "../tables/cells-table.ts";
import { checksTable } from "../tables/checks-table.ts";
import { claimsTable } from "../tables/claims-table.ts";
import { downtimesTable } from "../tables/downtimes-table.ts";
import { faultsTable } from "../tables/faults-table.ts";
import { loadTable } from "../tables/load-table.ts";
import { outliersTable } from "../tables/outliers-table.ts";
import { paperTable } from "../tables/paper-table.ts";
import { policyTables } from "../tables/policy-tables.ts";
import { convergenceTable, replayedTable } from "../tables/prediction-table.ts";
import { problemsTable } from "../tables/problems-table.ts";
import { progressTable } from "../tables/progress-table.ts";
import { sampledTable } from "../tables/sampled-table.ts";
import { togetherTable } from "../tables/together-table.ts";
import { bestSettingTable, settingsTable } from "../tables/tuning-table.ts";
import { versionsTable } from "../tables/versions-table.ts";
import { levelNote } from "../text/levels.ts";
import type { TableModel } from "../text/table-model.ts";
import { comparedRuns, comparisonFigures, comparisonSection, comparisonText } from "./comparison.ts";
import { type Headline, headlineOf } from "./headline.ts";

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
  headline: Headline;
  /** What is seen before anything else. */
  picture: Figure[];
  sections: Section[];
  /** What must be known before any of it is believed. */
  warnings: string[];
}

/** Of so many moves each can be a picture of its own. */
const fewMoves = 4;

/** Every figure, in its order. */
export const figuresOf = ({ picture, sections }: Report): Figure[] => [
  ...picture,
  ...sections.flatMap(({ figures }) => figures),
];

/**
 * All that results files have to say, for a page and for a terminal.
 *
 * @param series of moves that were sampled. Default: there are none
 */
export function reportOf(dataset: Dataset, series: readonly SampledMove[] = []): Report {
  const there = <T>(...some: (T | undefined)[]): T[] => some.filter((one) => one !== undefined);
  const claims = askedClaims(dataset);
  const counted = countedMoves(dataset);
  const lines = timelines(dataset);
  const compared = comparedRuns(dataset);
  // Two runs open with how they differ. Of a few moves each is shown as it went; of many what they have in common.
  const isOpenedByMoves = !compared && counted.length <= fewMoves;
  const through = throughFigures(series);
  const overview = compared
    ? comparisonFigures(compared)
    : isOpenedByMoves
      ? lines
      : there(overviewFigure(dataset));
  const picture = [...(compared ? [] : through.slice(0, 1)), ...overview];
  const claimsSection: Section = {
    id: "the-paper",
    title: "The paper's claims",
    intro: claims.isAsked
      ? "Migration of KVM guests between two hosts with shared NFS4 storage, offline (suspend, copy, resume) and live (pre-copy): what was claimed, and what these moves say of it."
      : "These moves were not made to test the paper's claims. Of some of them they say something all the same.",
    figures: forestFigures(claims.shown),
    tables: there(claimsTable(claims.shown), claims.isAsked ? paperTable(dataset) : undefined),
  };
  const sections: Section[] = [
    ...(compared ? [{ ...comparisonSection(compared), figures: [] }] : []),
    {
      id: "settings",
      title: "The best setting",
      intro:
        "One guest, moved in many ways: which of them is better for it than the plain one, and by how much.",
      figures: [],
      tables: there(bestSettingTable(dataset), settingsTable(dataset)),
    },
    ...(claims.isAsked ? [claimsSection] : []),
    {
      id: "memory",
      title: "Time against memory",
      intro: `${howToRead} ${levelNote}`,
      figures: paperFigures(dataset),
      tables: [],
    },
    {
      id: "timelines",
      title: "Timelines",
      figures: there(
        ...through.slice(compared ? 0 : 1),
        ...(isOpenedByMoves ? [] : lines),
        remainingFigure(dataset),
      ),
      tables: there(checksTable(dataset)),
    },
    {
      id: "downtime",
      title: "Downtime and latency",
      figures: [...there(spreadFigure(dataset)), ...downtimeFigures(dataset), ...latencyFigures(dataset)],
      tables: there(downtimesTable(dataset), progressTable(dataset), sampledTable(dataset)),
    },
    {
      id: "prediction",
      title: "Predicted and measured",
      figures: predictionFigures(dataset),
      tables: there(convergenceTable(dataset), replayedTable(dataset)),
    },
    ...(claims.isAsked ? [] : [claimsSection]),
    { id: "loads", title: "Heavy and light loads", figures: [], tables: there(loadTable(dataset)) },
    { id: "several-guests", title: "Several guests", figures: [], tables: there(togetherTable(dataset)) },
    {
      id: "policies",
      title: "What policies did",
      intro:
        "Updates in which a policy decided: what it saw and decided, and how hosts and guests fared before and after.",
      figures: [],
      tables: policyTables(dataset),
    },
    { id: "versions", title: "Between versions", figures: [], tables: there(versionsTable(dataset)) },
    { id: "failed-moves", title: "Moves that failed", figures: [], tables: there(faultsTable(dataset)) },
    {
      id: "all-cells",
      title: "All cells",
      figures: [],
      tables: counted.length > 0 ? there(cellsTable(dataset), outliersTable(dataset)) : [],
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
    headline: headlineOf(dataset, compared && comparisonText(compared)),
    picture,
    warnings: driftWarnings(driftsIn(dataset)),
    sections: sections.filter(({ figures, tables }) => figures.length + tables.length > 0),
  };
}

function titleOf({ sources }: Dataset): string {
  const titles = [...new Set(sources.flatMap(({ head }) => head?.title ?? []))];
  if (titles.length > 0) return titles.join("; ");
  const files = sources.map(({ file }) => basename(file, ".jsonl"));
  return files.length === 0 ? "Migrations" : `Migrations of ${files.join(" and ")}`;
}
