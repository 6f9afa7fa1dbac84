import { progressCommand } from "../../guests/workload.ts";
import { readGuestClock, readInGuest } from "../../libvirt/guest-agent.ts";
import { parseWorkLog, type WorkLine } from "../../moves/work-done.ts";
import type { ClockReading } from "../../ssh/session.ts";
import type { Endpoint } from "../context/moving.ts";

/** How much of the log is from before the move. */
const beforeSeconds = 12;
/** How often workloads write a line, at most. */
const linesPerSecond = 4;
const patienceMs = 2_000;

interface Guest {
  guest: string;
  uuid: string;
}

/** A guest's clock against its host's. Undefined: its agent does not tell. */
export const clockOf = ({ guest, uuid }: Guest, { session }: Endpoint): Promise<ClockReading | undefined> =>
  readGuestClock(session, `reading the clock of guest ${guest}`, uuid);

/**
 * What a guest's workload has written lately, by its agent: that needs no login, and takes nothing from the network.
 *
 * @param sinceMs how long ago the move began
 * @returns undefined: it has no such log, or its agent does not give it
 */
export async function workLog(
  { guest, uuid }: Guest,
  { session }: Endpoint,
  sinceMs: number,
): Promise<WorkLine[] | undefined> {
  const lines = Math.ceil((beforeSeconds + sinceMs / 1000) * linesPerSecond);
  const command = ["/bin/sh", "-c", progressCommand(lines)] as const;
  const text = await readInGuest(session, `reading what guest ${guest} got done`, uuid, command, patienceMs);
  const log = parseWorkLog(text ?? "");
  return log.length > 1 ? log : undefined;
}
