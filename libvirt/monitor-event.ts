import { listening } from "./listening.ts";

/** An event of QEMU's, with QEMU's own time stamp: the host's wall clock when it happened, to the microsecond. */
export interface MonitorEvent {
  event: string;
  guest: string;
  atEpochSeconds: number;
  data: Record<string, unknown>;
}

/** Listens to all guests of a host, so that one that is not there yet is heard too. */
export const monitorEventCommand = listening("qemu-monitor-event --loop");

/** Reads a line such as `event MIGRATION at 1763842000.123456 for domain 'vm1': {"status":"active"}`; others are undefined. */
export function parseMonitorEvent(line: string): MonitorEvent | undefined {
  const match = /^event (\S+) at (\d+\.\d+) for domain '?(.+?)'?: (?:<null>|(\{.*\}))$/.exec(line);
  const [, event, seconds, guest, data] = match ?? [];
  if (!event || !seconds || !guest) return undefined;
  try {
    return { event, guest, atEpochSeconds: Number(seconds), data: data ? JSON.parse(data) : {} };
  } catch {
    return undefined; // a connection that breaks leaves the first half of a line
  }
}
