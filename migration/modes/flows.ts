import type { MigrationMode } from "../../moves/modes.ts";
import { cold } from "./cold.ts";
import { live } from "./live.ts";
import type { Mode } from "./mode.ts";
import { offline } from "./offline.ts";
import { postcopy } from "./postcopy.ts";

/** Each mode's flow is in the file of its name. */
export const flows: { [mode in MigrationMode]: Mode } = {
  live,
  postcopy,
  hybrid: postcopy,
  offline,
  cold,
};
