import {
  autostart,
  disks,
  displayPort,
  firmware,
  hostDevices,
  savedMemory,
  snapshots,
} from "./belongings.ts";
import { clocks } from "./clocks.ts";
import type { PreflightCheck } from "./evidence.ts";
import { noJob, ownName, runsOnce } from "./guest.ts";
import { cacheMode } from "./image.ts";
import { memory, overlaySpace, stateFileSpace } from "./memory.ts";
import { bridge, hostToHost } from "./network.ts";
import { options } from "./options.ts";
import { cpu, machineType, memoryCopy, userfaultfd, versions } from "./platform.ts";

/** All checks, in the order in which a record has them. */
export const checks: readonly PreflightCheck[] = [
  runsOnce,
  noJob,
  ownName,
  snapshots,
  savedMemory,
  hostDevices,
  disks,
  firmware,
  displayPort,
  autostart,
  memory,
  hostToHost,
  bridge,
  machineType,
  cpu,
  versions,
  clocks,
  options,
  cacheMode,
  memoryCopy,
  userfaultfd,
  stateFileSpace,
  overlaySpace,
];
