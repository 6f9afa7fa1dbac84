/** The modes by which a guest is moved. */
export const migrationModes = ["live", "postcopy", "hybrid", "offline", "cold"] as const;

export type MigrationMode = (typeof migrationModes)[number];

/** The ways to move a guest, each with its phases in their order. */
export const phasesOf = {
  precopy: ["preparation", "iterations", "stop-and-copy", "device-state", "completion"],
  postcopy: ["preparation", "iterations", "device-state", "post-copy", "completion"],
  offline: ["suspend", "copy", "resume"],
  cold: ["shutdown", "define", "start"],
} as const;

/** What comes after the first phase, whichever the way, of a guest whose redo log moves along. */
export const storagePhase = "storage";

/** The phases of a way to move, in their order. */
export const phasesWith = (way: keyof typeof phasesOf, hasStorage: boolean): PhaseName[] => {
  const [first, ...others] = phasesOf[way];
  return [first, ...(hasStorage ? ([storagePhase] as const) : []), ...others];
};

export type PhaseName = (typeof phasesOf)[keyof typeof phasesOf][number] | typeof storagePhase;

/** The modes that move a guest while it runs. */
export const runningModes = ["live", "postcopy", "hybrid"] as const satisfies readonly MigrationMode[];

export type RunningMode = (typeof runningModes)[number];

export const movesRunning = (mode: string): mode is RunningMode =>
  (runningModes as readonly string[]).includes(mode);

/** The modes that shut a guest down and boot it elsewhere: nothing of its memory moves. */
export const bootingModes = ["cold"] as const satisfies readonly MigrationMode[];

export const boots = (mode: string): mode is (typeof bootingModes)[number] =>
  (bootingModes as readonly string[]).includes(mode);
