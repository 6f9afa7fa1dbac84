/** What makes a mode what it is: checks, options, phases, predictions and figures follow from it. */
interface ModeTraits {
  /** What becomes of the guest's memory: sent while the guest runs, saved to a file, or none of it moves and the guest boots. */
  readonly memory: "sent" | "saved" | "none";
  /** Memory is sent before the guest goes on at the destination. */
  readonly precopy: boolean;
  /** Memory is fetched after that: as the mode does, or where the guest's pages get dirty faster than they can be sent. */
  readonly postcopy: "always" | "on timeout" | "never";
  /** The paths it may take. A running guest's path shows only in the phases, whatever the mode. */
  readonly paths: readonly PathName[];
  /** Those of the options that not every mode has. */
  readonly options: readonly ModeOption[];
}

export type ModeOption =
  | "switchoverMiBps"
  | "hybrid"
  | "autoConverge"
  | "compression"
  | "parallelConnections"
  | "transport"
  | "onTimeout";

/** The paths of a move, each with its phases in their order. */
export const phasesOf = {
  precopy: ["preparation", "iterations", "stop-and-copy", "device-state", "completion"],
  postcopy: ["preparation", "iterations", "device-state", "post-copy", "completion"],
  offline: ["suspend", "copy", "resume"],
  cold: ["shutdown", "define", "start"],
} as const;

/** What a mode that sends the memory of a running guest has in common with the others that do. */
const sent = { memory: "sent", paths: ["precopy", "postcopy"] } as const;
const ofConnections = ["parallelConnections", "transport"] as const;
const ofPrecopy = ["switchoverMiBps", "autoConverge", "compression", "onTimeout", ...ofConnections] as const;

/** The modes by which a guest is moved. What each does is in migration/modes: flows.ts says in which file. */
export const modes = {
  live: { ...sent, precopy: true, postcopy: "on timeout", options: ofPrecopy },
  postcopy: { ...sent, precopy: false, postcopy: "always", options: ofConnections },
  hybrid: { ...sent, precopy: true, postcopy: "always", options: ["hybrid", ...ofPrecopy] },
  offline: { memory: "saved", paths: ["offline"], precopy: false, postcopy: "never", options: [] },
  cold: { memory: "none", paths: ["cold"], precopy: false, postcopy: "never", options: [] },
} as const satisfies Record<string, ModeTraits>;

export type MigrationMode = keyof typeof modes;
type ModeWith<Memory extends ModeTraits["memory"]> = {
  [Mode in MigrationMode]: (typeof modes)[Mode]["memory"] extends Memory ? Mode : never;
}[MigrationMode];

export const migrationModes = Object.keys(modes) as [MigrationMode, ...MigrationMode[]];

/** `auto` chooses among moves of the running guest. */
export const traitsOf = (mode: MigrationMode | "auto"): ModeTraits =>
  mode === "auto" ? { ...modes.live, postcopy: "never" } : modes[mode];

const hasMemory = (mode: string, memory: ModeTraits["memory"]): boolean =>
  mode in modes && modes[mode as MigrationMode].memory === memory;

/** The modes that move a guest while it runs. */
type RunningMode = ModeWith<"sent">;
export const movesRunning = (mode: string): mode is RunningMode => hasMemory(mode, "sent");
export const runningModes = migrationModes.filter(movesRunning);

/** The modes that save a guest's memory to a file. */
export const savesMemory = (mode: string): mode is ModeWith<"saved"> => hasMemory(mode, "saved");

/** The modes that shut a guest down and boot it elsewhere: nothing of its memory moves. */
export const boots = (mode: string): mode is ModeWith<"none"> => hasMemory(mode, "none");

/** What comes after the first phase, on every path, of a guest whose overlay moves along. */
export const storagePhase = "storage";

export type PathName = keyof typeof phasesOf;
export type PhaseName = (typeof phasesOf)[keyof typeof phasesOf][number] | typeof storagePhase;

/** The phases of a path, in their order. */
export const phasesWith = (path: PathName, hasStorage: boolean): PhaseName[] => {
  const [first, ...others] = phasesOf[path];
  return [first, ...(hasStorage ? ([storagePhase] as const) : []), ...others];
};
