import { type ArmSample, measureArms } from "./with-without.ts";

/** Moves with a prober and without one. */
export const measureProber = (
  stack: string,
  pairs: number,
  onSample: (sample: ArmSample) => Promise<void>,
): Promise<void> =>
  measureArms(
    stack,
    pairs,
    (arm, { probeIntervalMs: _, ...options }) =>
      arm === "with" ? options : { ...options, probeIntervalMs: 0 },
    onSample,
  );
