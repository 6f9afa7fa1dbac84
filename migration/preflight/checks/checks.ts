import { autostart } from "./autostart.ts";
import { bridge } from "./bridge.ts";
import { cacheMode } from "./cache-mode.ts";
import { clocks } from "./clocks.ts";
import { cpu } from "./cpu.ts";
import { disks } from "./disks.ts";
import { displayPort } from "./display-port.ts";
import type { PreflightCheck } from "./evidence.ts";
import { firmware } from "./firmware.ts";
import { hostDevices } from "./host-devices.ts";
import { hostToHost } from "./host-to-host.ts";
import { machineType } from "./machine-type.ts";
import { memory } from "./memory.ts";
import { memoryCopy } from "./memory-copy.ts";
import { noJob } from "./no-job.ts";
import { options } from "./options.ts";
import { overlaySpace } from "./overlay-space.ts";
import { ownName } from "./own-name.ts";
import { runsOnce } from "./runs-once.ts";
import { savedMemory } from "./saved-memory.ts";
import { snapshots } from "./snapshots.ts";
import { stateFileSpace } from "./state-file-space.ts";
import { userfaultfd } from "./userfaultfd.ts";
import { versions } from "./versions.ts";

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
