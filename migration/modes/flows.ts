import type { MigrationMode } from "../../moves/modes.ts";
import { cold } from "./cold.ts";
import { live } from "./live.ts";
import type { Mode } from "./mode.ts";
import { offline } from "./offline.ts";
import { postcopy } from "./postcopy.ts";

/** The flow of each mode. Hybrid is post-copy that begins with pre-copy. */
export const flows: { [mode in MigrationMode]: Mode } = {
  live,
  postcopy,
  hybrid: postcopy,
  offline,
  cold,
};
