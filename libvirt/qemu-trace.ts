import { quote, type SshSession } from "./ssh-session.ts";
import { virshCommand } from "./virsh.ts";

/** A trace event of QEMU's, with QEMU's own time stamp (the host's wall clock, microseconds). */
export interface TraceEvent {
  event: string;
  atEpochSeconds: number;
  text: string;
}

/**
 * `savevm_section_end` tells the last dirty memory and the device state apart, the others count what each pass found dirty, had
 * sent and had still to send. A pattern, since the last ones have other names from QEMU 8.0 on.
 */
const traced = ["savevm_section_end", "migration_bitmap_sync_end", "migrate_transferred", "migrate_pending*"];

const logPath = (guest: string): string => `/var/log/libvirt/qemu/${guest}.log`;

/**
 * Has the guest's QEMU write its migration's trace events to its log, and returns where the log ended before them. A QEMU without
 * the "log" trace backend writes none: the reader then finds nothing.
 */
export async function startTrace(session: SshSession, guest: string, uuid: string): Promise<number> {
  // One virsh for all of them: starting one takes longer than what it is asked.
  const commands = traced.map((event) => `qemu-monitor-command ${uuid} --hmp "trace-event ${event} on"`);
  const { stdout } = await session.run(
    `tracing the migration of guest ${guest}`,
    `stat -c %s ${quote(logPath(guest))}; ${virshCommand([commands.join("; ")])} >/dev/null; true`,
  );
  return Number(stdout);
}

/** What was traced since `startTrace`. The log is the host's: it outlives the guest's QEMU. */
export async function readTrace(session: SshSession, guest: string, fromByte: number): Promise<TraceEvent[]> {
  const { stdout } = await session.run(
    `reading the trace of guest ${guest}`,
    `tail -c +${fromByte + 1} ${quote(logPath(guest))}`,
  );
  return parseTrace(stdout);
}

/** Reads lines such as `1234@1763842000.123456:savevm_section_end ram, section_id 2 -> 0`. */
export function parseTrace(log: string): TraceEvent[] {
  return [...log.matchAll(/^\d+@(\d+\.\d+):(\w+) ?(.*)$/gm)].map(([, seconds, event, text]) => ({
    event: event ?? "",
    atEpochSeconds: Number(seconds),
    text: text ?? "",
  }));
}

/** When the last of the guest's memory had been sent: the end of the last section of RAM. */
export const memorySentAt = (trace: readonly TraceEvent[]): number | undefined =>
  trace.findLast(({ event, text }) => event === "savevm_section_end" && /^ram\b/.test(text))?.atEpochSeconds;
