import { expect } from "vitest";
import type { MigrationRecord } from "../../moves/record.ts";

/**
 * What three machines saw of one stop was one stop: for as long as the guest's own clock stood still nothing reached the guest, and the
 * hypervisor's stop is within that. Each as closely as its record says.
 */
export function expectOneStop(record: MigrationRecord): void {
  const { mode, client, clock } = record;
  expect(client?.prober).toBe("storage");
  for (const { protocol, sent, lost } of client?.protocols ?? []) {
    expect(sent - lost, `${protocol} probes that were answered`).toBeGreaterThan(0);
  }
  const figure = (ms: number | undefined): number => ms ?? Number.NaN;
  const downtimeMs = figure(record.downtimeMs);
  const unansweredMs = figure(client?.unansweredMs);
  const probedMs = figure(record.clientProbeIntervalMs) + figure(client?.proberLateMs);
  // A guest that runs again may take its time to answer, and the last answer before may have come as late as any.
  expect(record.clientDowntimeMs).toBeGreaterThan(unansweredMs - probedMs - figure(client?.usualSilenceMs));
  if (mode === "cold") {
    // The system in it boots, with a clock that begins anew.
    expect(unansweredMs).toBeGreaterThan(downtimeMs - probedMs);
    expect(record).not.toHaveProperty("guestDowntimeMs");
    return;
  }
  const guestMs = figure(record.guestDowntimeMs);
  // In the second around the stop in which the guest's clock is looked at, it runs fast or slow beside the prober's by less than that.
  const lookedMs = figure(record.guestClockResolutionMs) + 1;
  // What the source's QEMU had not taken from its queue when the guest stopped is lost: as much as it was late with before.
  const queuedMs = figure(client?.usualSilenceMs);
  expect(unansweredMs).toBeLessThanOrEqual(guestMs + probedMs + lookedMs + queuedMs);
  // Of a guest that is silent for seconds, the prober's kernel asks where it is (ARP), once a second: what it was given to send meanwhile
  // waits, and reaches the guest in the end.
  const heldBackMs = mode === "offline" ? 1_000 : 0;
  expect(unansweredMs).toBeGreaterThanOrEqual(guestMs - probedMs - lookedMs - heldBackMs);
  // QEMU stops the guest's clock first and says STOP last, and says RESUME before the clock goes on.
  expect(guestMs).toBeGreaterThanOrEqual(downtimeMs - lookedMs - figure(clock?.uncertaintyMs));
}
