import { vi } from "vitest";

// Stands in for node:timers/promises: nobody waits, and whoever slept finds that the time has passed.
//   vi.mock("node:timers/promises", () => import("./simulated-time.ts"));

let sleptMs = 0;
const nowMs = performance.now.bind(performance);
vi.spyOn(performance, "now").mockImplementation(() => nowMs() + sleptMs);

export const setTimeout = async (ms: number): Promise<void> => {
  sleptMs += ms;
};

/** Nothing that was found out before is recent any more. */
export const letTimePass = (): void => {
  sleptMs += 10 * 60_000;
};
