import { scheduledMs } from "./order/schedule.ts";
import type { Cluster } from "./terms/cluster.ts";
import type { Impossible, Proposal, ProposedStep } from "./terms/policy.ts";
import { gainText, leftText, problemText, reasonText, standingText } from "./terms/reason.ts";

/**
 * A policy's answer for a person to read: what it comes to, each move with its price, its reason and its gain, and what is not moved.
 *
 * @param perHost how many moves a host takes part in at a time; absent: as many as one likes
 */
export function proposalText(
  policy: string,
  cluster: Cluster,
  answer: Proposal | Impossible,
  perHost = Number.POSITIVE_INFINITY,
): string {
  if (!answer.isFeasible)
    return [
      `policy ${policy}: can't be; nothing is to be moved`,
      ...answer.problems.map((one) => `  ${problemText(one)}`),
    ].join("\n");
  const { moves, left, places, before, after } = answer;
  const guests = new Map(cluster.guests.map((guest) => [guest.name, guest]));
  const gib = (guest: string) => (guests.get(guest)?.memoryMiB ?? 0) / 1024;
  const costOf = (guest: string) => guests.get(guest)?.move;
  const all = moves.reduce((sum, { guest }) => sum + gib(guest), 0);
  const isInUse = new Set(Object.values(places).map(({ host }) => host));
  const empty = cluster.hosts.filter(({ name }) => !isInUse.has(name)).map(({ name }) => name);
  const rows = moves.map((move): string[] => {
    const cost = costOf(move.guest);
    return [
      move.guest,
      `${move.from} → ${move.to}`,
      `${round(gib(move.guest))} GiB${cost ? `, ${duration(cost.totalMs)}, downtime ${duration(cost.downtimeMs)}` : ""}`,
      [reasonText(move.reason), gainText(move), ...waitText(move, moves)].join("; "),
    ];
  });
  const isPriced = moves.length > 0 && moves.every(({ guest }) => costOf(guest) !== undefined);
  const price = isPriced
    ? `, about ${duration(scheduledMs(moves, (guest) => costOf(guest)?.totalMs ?? 0, perHost))} in all, longest downtime about ${duration(Math.max(...moves.map(({ guest }) => costOf(guest)?.downtimeMs ?? 0)))}`
    : "";
  return [
    `policy ${policy}: ${moves.length === 0 ? "nothing to move" : `${moves.length === 1 ? "1 move" : `${moves.length} moves`}, ${round(all)} GiB${price}`}; ${standingText(before, after)}`,
    ...columns(rows).map((row) => `  ${row}`),
    ...(left.length > 0 ? [`  not: ${left.map(leftText).join(", ")}`] : []),
    ...(empty.length > 0 ? [`  without guests then: ${empty.join(", ")}`] : []),
  ].join("\n");
}

function waitText({ after, isDetour }: ProposedStep, moves: readonly ProposedStep[]): string[] {
  const first = after.flatMap((at) => moves[at] ?? []).map(({ guest, to }) => `${guest} is on ${to}`);
  return [
    ...(isDetour ? ["goes on from there"] : []),
    ...(first.length > 0 ? [`when ${first.join(" and ")}`] : []),
  ];
}

/** Rows with all but their last cell as wide as the widest of the column. */
function columns(rows: readonly string[][]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row.map((cell, column) => (column < row.length - 1 ? cell.padEnd(width(column)) : cell)).join("  "),
  );
}

const round = (gib: number): string => `${Math.round(gib * 10) / 10}`;

/** "0.2 s", "12 s", "2 min 10 s". */
function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? "" : ` ${whole % 60} s`}`;
}
