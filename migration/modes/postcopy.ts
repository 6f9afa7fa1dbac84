import { modes } from "../../moves/modes.ts";
import { type MigrationOptions, passesBeforePostcopy } from "../../moves/options.ts";
import type { Precopy } from "../watching/watcher.ts";
import type { Mode } from "./mode.ts";
import { running } from "./running.ts";

/**
 * Post-copy: the guest goes on at the destination as soon as its CPUs and devices are there, and its memory follows. From the start
 * (postcopy), or after some passes or some time of pre-copy (hybrid), unless that has converged before.
 */
export const postcopy: Mode = (underway) =>
  running(underway, { postcopyDueInMs: (precopy) => dueInMs(underway.moving.options, precopy) });

/** How long it takes until post-copy's time comes, if no pass ends before; 0: it has come. */
export function dueInMs(
  { mode, hybrid = {} }: Pick<MigrationOptions, "mode" | "hybrid">,
  { active, pass, activeForMs }: Precopy,
): number {
  if (!active) return Number.POSITIVE_INFINITY;
  if (!modes[mode].precopy) return 0;
  const { afterMs } = hybrid;
  const afterPasses = passesBeforePostcopy(hybrid);
  if (afterPasses !== undefined && pass > afterPasses) return 0;
  return afterMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, afterMs - activeForMs);
}
