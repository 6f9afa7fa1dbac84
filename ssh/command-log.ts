import { appendFileSync } from "node:fs";

/** What was done on a host: never its text, input or output, which may hold secrets. */
interface Noted {
  host: string;
  /** What for, in the words of errors: "saving the memory of guest vm1". A connection has none. */
  doing?: string;
  tookMs: number;
  /** Absent: it did not end by itself, or it is a connection. */
  exitCode?: number | undefined;
}

/**
 * Notes a connection or a command in the file that the environment's KVM_MIGRATION_TESTBED_COMMANDS names, if it does: a line of JSON for
 * each, when it has ended. Several processes may write to one file.
 */
export function noteCommand({ host, doing, tookMs, exitCode }: Noted): void {
  const file = process.env.KVM_MIGRATION_TESTBED_COMMANDS;
  if (!file) return;
  const at = new Date().toISOString();
  const line = { at, host, doing: doing ?? "connecting", tookMs: Math.round(tookMs * 10) / 10, exitCode };
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}
