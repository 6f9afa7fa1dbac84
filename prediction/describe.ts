import { defaultOnTimeout, defaultTimeoutMs, type MigrationOptions } from "../moves/options.ts";
import type { Prediction } from "./predict.ts";

/** A prediction in words: "about 4.1 s (3.2 to 5.5), downtime about 120 ms (90 to 200), 3 passes". */
export function describe(prediction: Prediction, options: MigrationOptions): string {
  const {
    totalMs,
    downtimeMs,
    passes,
    converges,
    likelihood = converges ? 1 : 0,
    range,
    from,
    others = 0,
  } = prediction;
  const unsure =
    likelihood > 0 && likelihood < 1
      ? `; pre-copy converges in ${Math.round(likelihood * 10)} of 10 cases`
      : "";
  const figures = [
    `about ${duration(totalMs, range?.totalMs)}`,
    `downtime about ${duration(downtimeMs, range?.downtimeMs)}`,
    ...(passes > 0 ? [`${passes} passes`] : []),
    ...(others > 0
      ? [
          `beside ${Math.max(1, Math.round(others)) === 1 ? "another move" : `${Math.round(others)} other moves`}`,
        ]
      : []),
  ].join(", ");
  const guess = from === 0 ? "; a rough guess, since no move between these hosts is known yet" : "";
  if (converges) return `${figures}${unsure}${guess}`;
  const isGivenUp = (options.onTimeout ?? defaultOnTimeout) === "abort";
  return `pre-copy does not converge, ${ending(options)}${isGivenUp ? "" : `; ${figures}`}${unsure}${guess}`;
}

function ending({ onTimeout = defaultOnTimeout, timeoutMs = defaultTimeoutMs }: MigrationOptions): string {
  const does = { abort: "it is given up", postcopy: "post-copy ends it", suspend: "the guest is paused" };
  return `${does[onTimeout]} after ${seconds(timeoutMs)} s`;
}

/** In seconds from one second on, with two digits that mean something. */
function duration(ms: number, range: readonly [number, number] | undefined): string {
  const [unit, text] = ms < 1000 ? ["ms", milliseconds] : ["s", seconds];
  return `${text(ms)} ${unit}${range ? ` (${text(range[0])} to ${text(range[1])})` : ""}`;
}

const seconds = (ms: number): string => (ms < 9950 ? (ms / 1000).toFixed(1) : `${Math.round(ms / 1000)}`);
const milliseconds = (ms: number): string => `${ms < 100 ? Math.round(ms) : Math.round(ms / 10) * 10}`;
