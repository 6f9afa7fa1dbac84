/** A guest that waits to move, or moves, as the queue shows it. */
export interface QueueEntry {
  guest: string;
  uuid: string;
  from: string;
  to: string;
  memoryMiB: number;
  /** What will have to pass between the hosts: how long it will take, for want of anything better known before. */
  sizeMiB: number;
  /** In how many moves a host may take part at a time. */
  perHost: number;
  /** Which one it is among the moves of its policy's decision. Absent: none decided it. */
  turn?: number;
  /** The destination's TCP port, where it is not libvirt's to choose. */
  port?: number;
  /** It has had its turn; otherwise it waits for it. */
  moving: boolean;
}

/** The moves that a guest has to wait for; none: it may begin. */
function inTheWayOf(entry: QueueEntry, moving: readonly QueueEntry[]): QueueEntry[] {
  const full = [entry.from, entry.to].flatMap((host) => {
    const there = moving.filter(({ from, to }) => from === host || to === host);
    return there.length < entry.perHost ? [] : there;
  });
  // One QEMU at a time can listen on a port.
  const onPort = moving.filter(
    ({ to, port }) => port !== undefined && port === entry.port && to === entry.to,
  );
  return [...new Set([...full, ...onPort])];
}

/** Moves that a policy decided go first, in its order: what frees room and what takes longest. Of others the one that is done soonest. */
const byTurn = (one: QueueEntry, other: QueueEntry): number => {
  const last = Number.MAX_SAFE_INTEGER;
  return (one.turn ?? last) - (other.turn ?? last) || one.sizeMiB - other.sizeMiB;
};

/**
 * What a guest that waits has to wait for; empty: it is its turn. A guest whose hosts are busy holds up no guest whose hosts are free. A guest takes its place at both of its hosts at once or not at all, so that no two can each
 * hold what the other one waits for.
 *
 * @param entries all that move or wait, in the order in which they got there
 */
export function waitsFor(uuid: string, entries: readonly QueueEntry[]): QueueEntry[] {
  const moving = entries.filter((entry) => entry.moving);
  const waiting = entries.filter((entry) => !entry.moving).toSorted(byTurn);
  for (const entry of waiting) {
    const before = inTheWayOf(entry, moving);
    if (entry.uuid === uuid) return before;
    if (before.length === 0) moving.push(entry);
  }
  return [];
}

/** Guests that take memory at the same destination and had their turn before this one. */
export function movesBefore(uuid: string, entries: readonly QueueEntry[]): QueueEntry[] {
  const own = entries.findIndex((entry) => entry.uuid === uuid);
  const to = entries[own]?.to;
  return entries.filter((entry, index) => entry.moving && entry.to === to && index < own);
}

/**
 * The part of its bandwidth that a guest may use: moves out of a host share it, and so do moves into one. Both ways at once do not, since
 * links carry as much in one direction as in the other.
 */
export function bandwidthShare(limitMiBps: number, uuid: string, entries: readonly QueueEntry[]): number {
  const own = entries.find((entry) => entry.uuid === uuid);
  const sending = entries.filter(({ moving, sizeMiB }) => moving && sizeMiB > 0);
  const out = sending.filter(({ from }) => from === own?.from).length;
  const into = sending.filter(({ to }) => to === own?.to).length;
  return Math.max(1, Math.floor(limitMiBps / Math.max(1, out, into)));
}
