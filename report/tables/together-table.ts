import type { Dataset, Move } from "../data/dataset.ts";
import { figure, ms, number, type TableModel, text } from "../text/table-model.ts";

/**
 * Moves that belong together: those of one turn of an experiment that moves several guests (a drain), and elsewhere those from one host that
 * overlapped in time. Undefined: there are none.
 */
export function togetherTable(dataset: Dataset): TableModel | undefined {
  const counted = dataset.moves.filter(({ isWarmUp, isInterrupted }) => !isWarmUp && !isInterrupted);
  const together = [...turnsOf(counted), ...overlapsOf(counted.filter(({ cell }) => cell === undefined))];
  if (together.length === 0) return undefined;
  return {
    id: "together",
    title: "Drains and other moves of several guests, ms",
    columns: [
      text("what"),
      figure("guests"),
      figure("came to their end"),
      figure("at once"),
      figure("all of them"),
      figure("median total"),
      figure("longest downtime"),
      figure("sum of downtimes"),
      text("moves"),
    ],
    rows: together.slice(-mostRows).map(({ label, moves }) => {
      const totals = moves.map(({ record }) => record.totalMs).sort((a, b) => a - b);
      const completed = moves.filter(({ record }) => record.outcome === "completed");
      const downtimes = completed
        .map(({ record }) => record.downtimeMs)
        .filter((value) => value !== undefined);
      const spans = moves.map(spanOf);
      const isWhole = completed.length > 0 && downtimes.length === completed.length;
      return [
        label,
        number(moves.length, String),
        number(completed.length, String),
        number(mostAtOnce(moves), String),
        number(
          Math.max(...spans.map(({ endMs }) => endMs)) - Math.min(...spans.map(({ startMs }) => startMs)),
        ),
        number(totals[(totals.length - 1) >> 1]),
        number(isWhole ? Math.max(...downtimes) : undefined, ms),
        number(isWhole ? downtimes.reduce((sum, value) => sum + value, 0) : undefined),
        shortened(moves),
      ];
    }),
    notes: [
      "all of them: from the first one's first action, with what it waited, to the end of the last. at once: the most that overlapped.",
      ...(together.length > mostRows ? [`The last ${mostRows} of ${together.length}.`] : []),
    ],
  };
}

const mostRows = 100;

interface Together {
  label: string;
  moves: Move[];
}

const turnsOf = (moves: readonly Move[]): Together[] =>
  [
    ...Map.groupBy(
      moves.filter(({ cell }) => cell !== undefined),
      turnOf,
    ).values(),
  ]
    .filter((turn) => new Set(turn.map(({ record }) => record.guest)).size > 1)
    .map((turn) => ({ label: `${turn[0]?.cell?.id}, repeat ${turn[0]?.repeat}`, moves: turn }));

const turnOf = ({ file, order }: Move): string => `${file} ${order}`;

/** Chains of moves from one host, each beginning before the one before it was over. */
function overlapsOf(moves: readonly Move[]): Together[] {
  return [...Map.groupBy(moves, ({ file, record }) => `${file} ${record.from}`).values()].flatMap((own) => {
    const sorted = own.map((move) => ({ move, ...spanOf(move) })).sort((a, b) => a.startMs - b.startMs);
    const chains: { moves: Move[]; endMs: number }[] = [];
    for (const { move, startMs, endMs } of sorted) {
      const last = chains.at(-1);
      if (last && startMs < last.endMs) {
        last.moves.push(move);
        last.endMs = Math.max(last.endMs, endMs);
      } else chains.push({ moves: [move], endMs });
    }
    return chains
      .filter((chain) => chain.moves.length > 1)
      .map((chain) => ({
        label: `from ${chain.moves[0]?.record.from}, ${chain.moves[0]?.record.startedAt.slice(0, 19)}`,
        moves: chain.moves,
      }));
  });
}

function spanOf({ record }: Move): { startMs: number; endMs: number } {
  const begunMs = Date.parse(record.startedAt);
  return { startMs: begunMs - (record.waitedMs ?? 0), endMs: begunMs + record.totalMs };
}

/** Of the moves themselves: one that waits is not on its way. */
function mostAtOnce(moves: readonly Move[]): number {
  const changes = moves
    .flatMap(({ record }) => {
      const begunMs = Date.parse(record.startedAt);
      return [
        { atMs: begunMs, by: 1 },
        { atMs: begunMs + record.totalMs, by: -1 },
      ];
    })
    .sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let now = 0;
  return changes.reduce((most, { by }) => {
    now += by;
    return Math.max(most, now);
  }, 0);
}

function shortened(moves: readonly Move[]): string {
  const shown = moves
    .slice(0, 8)
    .map(({ number }) => number)
    .join(", ");
  return moves.length > 8 ? `${shown} and ${moves.length - 8} more` : shown;
}
