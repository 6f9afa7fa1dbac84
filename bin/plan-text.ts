import type { Cluster } from "../placement/cluster.ts";
import type { Impossible, Proposal, ProposedStep } from "../placement/policy.ts";
import { gainText, leftText, problemText, reasonText, standingText } from "../placement/reason.ts";

/** A policy's answer for a person to read: what it comes to, each move with its reason and gain, and what is not moved. */
export function planText(policy: string, cluster: Cluster, answer: Proposal | Impossible): string {
  if (!answer.isFeasible)
    return [
      `policy ${policy}: can't be; nothing is to be moved`,
      ...answer.problems.map((one) => `  ${problemText(one)}`),
    ].join("\n");
  const { moves, left, places, before, after } = answer;
  const memoryMiB = new Map(cluster.guests.map((guest) => [guest.name, guest.memoryMiB]));
  const gib = (guest: string) => (memoryMiB.get(guest) ?? 0) / 1024;
  const all = moves.reduce((sum, { guest }) => sum + gib(guest), 0);
  const isInUse = new Set(Object.values(places).map(({ host }) => host));
  const empty = cluster.hosts.filter(({ name }) => !isInUse.has(name)).map(({ name }) => name);
  const rows = moves.map((move): string[] => [
    move.guest,
    `${move.from} → ${move.to}`,
    `${round(gib(move.guest))} GiB`,
    [reasonText(move.reason), gainText(move), ...waitText(move, moves)].join("; "),
  ]);
  return [
    `policy ${policy}: ${moves.length === 1 ? "1 move" : `${moves.length} moves`}, ${round(all)} GiB; ${standingText(before, after)}`,
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
