import { type ArmSample, measureArms } from "./with-without.ts";

/** As docs and examples have it. */
export const sampledEveryMs = 250;

/** Moves whose hosts are looked at all the time, and moves whose are not. */
export const measureSampling = (
  stack: string,
  pairs: number,
  onSample: (sample: ArmSample) => Promise<void>,
): Promise<void> =>
  measureArms(
    stack,
    pairs,
    (arm, options) => ({ ...options, sampleIntervalMs: arm === "with" ? sampledEveryMs : 0 }),
    onSample,
  );
