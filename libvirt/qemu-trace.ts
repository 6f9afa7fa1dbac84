import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
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
 * Where a log ended. libvirt's virtlogd renames one that has grown to 2 MiB: the file is known by its inode and, as that may be given to
 * another file later, by how it begins.
 */
export interface LogEnd {
  inode: number;
  bytes: number;
  /** Of its beginning, as `beginning` makes it. */
  checksum: number;
}

/** Of a log `$1` of which `$2` bytes were there. */
const beginning = `beginning() { head -c "$(($2 < 4096 ? $2 : 4096))" "$1" | cksum; }`;

/**
 * Has the guest's QEMU write its migration's trace events to its log, and returns where the log ended before them. A QEMU without
 * the "log" trace backend writes none: the reader then finds nothing.
 */
export async function startTrace(session: SshSession, guest: string, uuid: string): Promise<LogEnd> {
  // One virsh for all of them: starting it takes longer than answering.
  const commands = traced.map((event) => `qemu-monitor-command ${uuid} --hmp "trace-event ${event} on"`);
  const { stdout } = await session.run(
    `tracing the migration of guest ${guest}`,
    `log=${quote(logPath(guest))}; ${beginning}
end=$(stat -c '%i %s' "$log"); echo $end $(beginning "$log" \${end#* })
${virshCommand([commands.join("; ")])} >/dev/null; true`,
  );
  const [inode = 0, bytes = 0, checksum = 0] = stdout.split(" ").map(Number);
  return { inode, bytes, checksum };
}

/**
 * What was traced since `startTrace`. The log is the host's: it outlives the guest's QEMU. A long migration fills several, the oldest of
 * which has the highest number; what was traced in one that is gone already is missing.
 */
export async function readTrace(session: SshSession, guest: string, from: LogEnd): Promise<TraceEvent[]> {
  const { stdout } = await session.run(
    `reading the trace of guest ${guest}`,
    `log=${quote(logPath(guest))} inode=${from.inode} bytes=${from.bytes} checksum=${from.checksum}; ${beginning}
is_first() { [ "$(stat -c %i "$1")" = $inode ] && [ "$(beginning "$1" $bytes | cut -d ' ' -f 1)" = $checksum ]; }
all=$(ls -1vr "$log".[0-9]* 2>/dev/null; echo "$log")
begun=
for file in $all; do
  if is_first "$file"; then begun=1; tail -c +$((bytes + 1)) "$file"; elif [ -n "$begun" ]; then cat "$file"; fi
done
[ -n "$begun" ] || cat $all`,
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
