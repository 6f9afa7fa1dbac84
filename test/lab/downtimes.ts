import { expect } from "vitest";
import type { MigrationRecord } from "../../report/record.ts";

/**
 * What three machines saw of one stop was one stop: the client's silence holds the time in which the guest's CPUs stood still, and the
 * guest's clock missed that time. Each as closely as its record says.
 */
export function expectOneStop(record: MigrationRecord): void {
  const { mode, downtimeMs = Number.NaN, clientDowntimeMs, client, clock } = record;
  const { guestDowntimeMs, guestClockResolutionMs = Number.NaN } = record;
  const clocksMs = clock?.uncertaintyMs ?? Number.NaN;
  expect(client?.prober).toBe("storage");
  for (const { protocol, sent, lost } of client?.protocols ?? []) {
    expect(sent - lost, `${protocol} probes that were answered`).toBeGreaterThan(0);
  }
  // The last answer before the stop may come as late as one of the guest's answers ever does.
  const lateMs = client?.usualSilenceMs ?? Number.NaN;
  expect(clientDowntimeMs).toBeGreaterThan(downtimeMs - clocksMs - lateMs);
  if (mode === "cold") {
    // The system in it boots, with a clock that began anew.
    expect(record).not.toHaveProperty("guestDowntimeMs");
    return;
  }
  // What two hosts' clocks say of the stop, and what the guest's own clock and the prober's do. That a guest's clock ticks a little
  // fast or slow beside the prober's counts in the seconds that it is looked at.
  const driftMs = 1;
  expect(Math.abs((guestDowntimeMs ?? Number.NaN) - downtimeMs)).toBeLessThanOrEqual(
    guestClockResolutionMs + clocksMs + driftMs,
  );
}
