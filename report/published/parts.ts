import { intervalText } from "../claims/claim.ts";
import { judgedClaims } from "../claims/claims.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { driftsIn, driftWarnings } from "../data/drift.ts";
import { groupsOf } from "../data/groups.ts";
import { isLive, isOffline } from "../data/measures.ts";
import { summaryOf } from "../data/statistics.ts";
import { repeatsText } from "../page/summary.ts";
import { bestSettingTable, settingsTable } from "../tables/tuning-table.ts";
import { markdownTable } from "../text/markdown-table.ts";
import { figure, ms, number, type TableCell, text } from "../text/table-model.ts";

/** The parts of a README that a run's results make, by the names of their marks. */
export function partsOf(dataset: Dataset): Record<string, string> {
  return {
    run: runPart(dataset),
    claims: claimsPart(dataset),
    cells: cellsPart(dataset),
    ...tuningParts(dataset),
  };
}

/** Where the experiment looks for the best setting. */
function tuningParts(dataset: Dataset): Record<string, string> {
  const [best, settings] = [bestSettingTable(dataset), settingsTable(dataset)];
  return best && settings ? { "best-setting": markdownTable(best), settings: markdownTable(settings) } : {};
}

function runPart(dataset: Dataset): string {
  const { moves, sources } = dataset;
  const of = (count: number, what: string) => `${count} ${what}`;
  const runs = sources
    .flatMap(({ head }) => head ?? [])
    .map((head) => {
      const { experiment, seed, cells } = head;
      return `Experiment \`${experiment}\`, seed ${seed}: ${repeatsText(dataset, head)} of each of its ${cells.length} cells.`;
    });
  const warmUps = moves.filter(({ isWarmUp }) => isWarmUp).length;
  const completed = moves.filter(({ record }) => record.outcome === "completed").length;
  const warnings = driftWarnings(driftsIn(dataset)).map((warning) => `> **Mind:** ${warning}`);
  return [
    `${runs.join(" ")} ${of(moves.length, "moves")}, ${warmUps} of them warm-up; ${completed} completed.`,
    ...warnings,
  ].join("\n\n");
}

const claimsPart = (dataset: Dataset): string =>
  markdownTable({
    columns: [text("claim"), text("here"), text("effect"), text("guests like these"), text("these guests")],
    rows: judgedClaims(dataset).map(
      ({ claim, finding: { verdict, effect, estimate, ofThese, show, remark } }) => [
        claim.says,
        verdict,
        effect ?? remark,
        estimate && show && intervalText(estimate, show),
        ofThese && show && intervalText(ofThese, show),
      ],
    ),
  });

/** A row for each guest, live and offline beside each other. */
function cellsPart(dataset: Dataset): string {
  const counted = countedMoves(dataset);
  const guests = groupsOf(counted.filter(isLive)).map(({ moves }) => moves[0]?.record.guest as string);
  const rows = [...new Set(guests)].map((guest): TableCell[] => {
    const own = counted.filter(({ record }) => record.guest === guest);
    const [live, offline] = [own.filter(isLive), own.filter(isOffline)];
    const median = (some: readonly Move[], of: (move: Move) => number | undefined): number | undefined =>
      summaryOf(some.map(of).filter((value) => value !== undefined))?.median;
    const times = (some: readonly Move[]): TableCell[] => [
      number(median(some, ({ record }) => record.totalMs)),
      number(median(some, ({ record }) => record.downtimeMs)),
      number(median(some, ({ record }) => record.clientDowntimeMs)),
    ];
    return [
      `\`${guest}\``,
      number(own[0]?.record.memoryMiB, String),
      ...times(live),
      number(
        median(live, ({ record }) => record.iterations),
        String,
      ),
      programOf(live, median),
      ...times(offline),
    ];
  });
  return markdownTable({
    columns: [
      text("guest"),
      ...[
        "MiB",
        "live: total",
        "downtime",
        "client",
        "passes",
        "its program",
        "offline: total",
        "downtime",
        "client",
      ].map(figure),
    ],
    rows,
  });
}

/** What its program did in a second before the move, through it, and in its slowest second. */
function programOf(
  live: readonly Move[],
  median: (some: readonly Move[], of: (move: Move) => number | undefined) => number | undefined,
): TableCell {
  const [before, during, slowest] = (["beforePerSecond", "duringPerSecond", "slowestPerSecond"] as const).map(
    (key) => median(live, ({ progress }) => progress?.[key]),
  );
  if (before === undefined || during === undefined || slowest === undefined) return undefined;
  const show = (value: number) => (value < 10 && value !== 0 ? value.toFixed(1) : ms(Math.round(value)));
  return `${show(before)} → ${show(during)}, least ${show(slowest)}`;
}

const until = "<!-- until here -->";

/**
 * A README with its parts made anew, each between `<!-- made by npm run published: NAME -->` and the next `<!-- until here -->`.
 *
 * @throws when it has a mark of a part that there is not
 */
export const withParts = (readme: string, parts: Readonly<Record<string, string>>): string =>
  readme.replaceAll(
    /(<!-- made by npm run published: ([\w-]+) -->)[\s\S]*?<!-- until here -->/g,
    (_, mark: string, name: string) => {
      const part = parts[name];
      if (part === undefined)
        throw new Error(`README has a mark of ${name}; there are ${Object.keys(parts).join(", ")}.`);
      return `${mark}\n\n${part}\n\n${until}`;
    },
  );
