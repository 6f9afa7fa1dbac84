import type { Mode } from "./mode.ts";
import { running } from "./running.ts";

/** Pre-copy: memory is sent while the guest runs, pass after pass, until the rest can be sent within the greatest downtime. */
export const live: Mode = (underway) => running(underway);
