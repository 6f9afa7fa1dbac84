import { median } from "simple-statistics";
import type { RunHead } from "../../moves/experiment-run.ts";
import { type BestSetting, bestSetting } from "./best-setting.ts";
import { countedMoves, type Dataset, type Move } from "./dataset.ts";

/** What settings are compared in; of all of them less is better. */
const measures = [
  { name: "total time", of: ({ record }: Move) => record.totalMs },
  { name: "downtime", of: ({ record }: Move) => record.downtimeMs },
  { name: "longest silence", of: ({ record }: Move) => record.clientDowntimeMs },
] as const;

/** A guest that was moved in many ways under the same conditions; all others are held against one of them. */
export interface Tuned {
  guest: string;
  /** Absent: the link was as it is. */
  linkMiBps?: number;
  /** The way that the others are held against. */
  against: string;
  measures: TunedMeasure[];
  /** Ways of which not every move was completed: they are no settings to take, and are not compared. */
  failed: { way: string; failed: number; made: number }[];
}

export interface TunedMeasure extends BestSetting {
  name: (typeof measures)[number]["name"];
  /** In ms, by way. */
  medians: ReadonlyMap<string, number>;
}

/** The guests of experiments that look for the best setting: their file says `against`. */
export function tunedGuests(dataset: Dataset): Tuned[] {
  const counted = countedMoves(dataset);
  return dataset.sources.flatMap(({ file, head }) => {
    const against = againstOf(head);
    if (head === undefined || against === undefined) return [];
    const ofRun = (line: {
      file: string;
      isWarmUp?: boolean | undefined;
      isInterrupted?: boolean | undefined;
    }) => line.file === file && !line.isWarmUp && !line.isInterrupted;
    const [made, never] = [dataset.moves.filter(ofRun), dataset.failures.filter(ofRun)];
    const subjects = Map.groupBy(head.cells, ({ factors: { guest, linkMiBps } }) =>
      JSON.stringify([guest, linkMiBps]),
    );
    return [...subjects.values()].map((cells): Tuned => {
      const ways = cells.map(({ id, factors }) => {
        const own = made.filter(({ cell }) => cell?.id === id);
        const notMade = never.filter(({ cell }) => cell === id).length;
        return {
          way: String(factors.way),
          made: own.length + notMade,
          failed: own.filter(({ record }) => record.outcome !== "completed").length + notMade,
          moves: own.filter((move) => counted.includes(move)),
        };
      });
      const { guest, linkMiBps } = cells[0]?.factors ?? {};
      return {
        guest: String(guest),
        ...(typeof linkMiBps === "number" && { linkMiBps }),
        against,
        measures: measures.map(({ name, of }) => {
          const settings = ways
            .filter(({ way, failed }) => way === against || failed === 0)
            .map(({ way, moves }) => ({ way, values: valuesOf(moves, of) }))
            .filter(({ values }) => values.size > 0);
          const plain = settings.find(({ way }) => way === against)?.values ?? new Map<string, number>();
          return {
            name,
            medians: new Map(settings.map(({ way, values }) => [way, median([...values.values()])])),
            ...bestSetting(
              plain,
              settings.filter(({ way }) => way !== against),
            ),
          };
        }),
        failed: ways.flatMap(({ way, failed, made: all }) =>
          failed > 0 ? [{ way, failed, made: all }] : [],
        ),
      };
    });
  });
}

/** By block. */
const valuesOf = (moves: readonly Move[], of: (move: Move) => number | undefined): Map<string, number> =>
  new Map(
    moves.flatMap((move) => {
      const value = of(move);
      return value === undefined ? [] : [[String(move.block), value]];
    }),
  );

/** The way that the experiment's file, which a run's head has, names. */
function againstOf(head: RunHead | undefined): string | undefined {
  const { experiment } = (head?.asked ?? {}) as {
    experiment?: { against?: unknown; moves?: unknown } | null;
  };
  return typeof experiment?.against === "string" && experiment.moves !== "all"
    ? experiment.against
    : undefined;
}
