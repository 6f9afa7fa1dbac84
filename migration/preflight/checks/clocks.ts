import type { Clocks } from "../../measuring/measure.ts";
import { type Check, passed, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** Two machines that both follow NTP are nearer to one another than this. */
const expectedMs = 500;

export function clockCheck(source: string, destination: string, clocks: Clocks): Check {
  const offsetMs = clocks.destination.offsetMs - clocks.source.offsetMs;
  const uncertaintyMs = clocks.destination.uncertaintyMs + clocks.source.uncertaintyMs;
  const apart = `${destination}'s clock is ${Math.abs(offsetMs).toFixed(1)} ms ${offsetMs < 0 ? "behind" : "ahead of"} ${source}'s, give or take ${uncertaintyMs.toFixed(1)} ms`;
  return Math.abs(offsetMs) - uncertaintyMs <= expectedMs
    ? passed("clocks", apart)
    : warned(
        "clocks",
        `${apart}: figures are corrected for that, logs and certificates are not; let both hosts follow NTP (timedatectl)`,
      );
}

export const clocks: PreflightCheck = {
  judge: ({ source, destination, clocks: both }) => clockCheck(source.name, destination.name, both),
};
