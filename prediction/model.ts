import { boots, modes, type PathName, type PhaseName, phasesWith, savesMemory } from "../moves/modes.ts";
import {
  defaultMaxDowntimeMs,
  defaultOnTimeout,
  defaultTimeoutMs,
  type MigrationOptions,
  passesBeforePostcopy,
} from "../moves/options.ts";
import type { Writing } from "./dirty.ts";
import { precopy } from "./precopy.ts";

/** What a guest brings along. */
export interface GuestLoad extends Writing {
  memoryMiB: number;
  /** Memory that it ever wrote to: the rest is zeros, and not sent. */
  touchedMiB: number;
  /** Its overlay, where that moves along. */
  overlayMiB?: number;
}

/** What hosts and hypervisor do, in milliseconds and MiB/s. */
export interface Pace {
  preparationMs: number;
  completionMs: number;
  /** CPUs and devices, when next to all memory is there, and when next to none is (post-copy from the start). */
  deviceMs: number;
  postcopyDeviceMs: number;
  /** From post-copy's time until the guest's CPUs stop. */
  turnMs: number;
  /** While the guest runs, without a limit. */
  sendMiBps: number;
  /** Once its CPUs stand still: the limit does not hold then. */
  stoppedMiBps: number;
  /** The rest of a post-copy, without a limit. */
  pullMiBps: number;
  zeroMiBps: number;
  /** Part of what may be left at the switchover that is left. */
  fill: number;
  /** Apart from what depends on a size: starting programs, connecting. */
  suspendMs: number;
  copyMs: number;
  resumeMs: number;
  saveMiBps: number;
  copyMiBps: number;
  loadMiBps: number;
  storageMs: number;
  storageMiBps: number;
  /** Of an offline move: while the guest still runs, or does again. */
  awakeMs: number;
  shutdownMs: number;
  defineMs: number;
  startMs: number;
}

/** How a move goes. */
export interface Course {
  phases: { name: PhaseName; ms: number }[];
  totalMs: number;
  downtimeMs: number;
  /** As QEMU counts them; 0 in a mode that has none. */
  passes: number;
  /** Memory gets to the destination without post-copy, a pause or giving up. Always so for a guest that is off. */
  converges: boolean;
}

/** How a move goes by the pace of its hosts: each phase from what it has to do. */
export function course(load: GuestLoad, options: MigrationOptions, pace: Pace): Course {
  const limited = (rate: number) => Math.min(rate, options.bandwidthMiBps ?? Number.POSITIVE_INFINITY);
  const sending = (mib: number, rate: number) => (mib / rate) * 1000;
  const storageMs =
    load.overlayMiB === undefined
      ? undefined
      : pace.storageMs + sending(load.overlayMiB, limited(pace.storageMiBps));
  const made = (path: PathName, ms: Partial<Record<PhaseName, number>>): Course["phases"] =>
    phasesWith(path, storageMs !== undefined).map((name) => ({
      name,
      ms: name === "storage" ? (storageMs as number) : (ms[name] ?? 0),
    }));
  const off = (phases: Course["phases"], without: number): Course => {
    const totalMs = sum(phases);
    return { phases, totalMs, downtimeMs: totalMs - without, passes: 0, converges: true };
  };

  if (savesMemory(options.mode)) {
    const size = load.touchedMiB;
    return off(
      made("offline", {
        suspend: pace.suspendMs + sending(size, pace.saveMiBps),
        copy: pace.copyMs + sending(size, limited(pace.copyMiBps)),
        resume: pace.resumeMs + sending(size, pace.loadMiBps),
      }),
      Math.min(pace.suspendMs + pace.resumeMs, pace.awakeMs),
    );
  }
  if (boots(options.mode)) {
    const phases = made("cold", { shutdown: pace.shutdownMs, define: pace.defineMs, start: pace.startMs });
    return off(phases, pace.shutdownMs);
  }
  return running(load, options, pace, limited, made);
}

function running(
  load: GuestLoad,
  { mode, hybrid = {}, autoConverge, onTimeout, ...options }: MigrationOptions,
  pace: Pace,
  limited: (rate: number) => number,
  made: (path: PathName, ms: Partial<Record<PhaseName, number>>) => Course["phases"],
): Course {
  const sendMiBps = limited(pace.sendMiBps);
  const maxDowntimeMs = options.maxDowntimeMs ?? defaultMaxDowntimeMs;
  const around = { preparation: pace.preparationMs, completion: pace.completionMs };
  const pull = (mib: number) => (mib / limited(pace.pullMiBps)) * 1000;
  if (!modes[mode].precopy) {
    const sentMiB = Math.min(load.touchedMiB, (sendMiBps * pace.turnMs) / 1000);
    const phases = made("postcopy", {
      ...around,
      iterations: pace.turnMs,
      "device-state": pace.postcopyDeviceMs,
      "post-copy": pull(load.touchedMiB - sentMiB),
    });
    return { phases, totalMs: sum(phases), downtimeMs: pace.postcopyDeviceMs, passes: 2, converges: true };
  }
  const afterPasses = passesBeforePostcopy(hybrid);
  const { iterationsMs, remainingMiB, passes, converges, turns } = precopy({
    touchedMiB: load.touchedMiB,
    zeroMiB: Math.max(0, load.memoryMiB - load.touchedMiB),
    writing: load,
    sendMiBps,
    zeroMiBps: pace.zeroMiBps,
    maxDowntimeMs,
    switchoverMiBps: options.switchoverMiBps,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    autoConverge,
    ...(modes[mode].postcopy === "always" && { untilPasses: afterPasses, untilMs: hybrid.afterMs }),
  });
  if (turns || (!converges && onTimeout === "postcopy")) {
    const sentMiB = Math.min(remainingMiB, (sendMiBps * pace.turnMs) / 1000);
    const phases = made("postcopy", {
      ...around,
      iterations: iterationsMs + pace.turnMs,
      "device-state": pace.deviceMs,
      "post-copy": pull(remainingMiB - sentMiB),
    });
    return {
      phases,
      totalMs: sum(phases),
      downtimeMs: pace.deviceMs,
      passes,
      converges: modes[mode].postcopy === "always",
    };
  }
  if (!converges && (onTimeout ?? defaultOnTimeout) === "abort") {
    const phases = made("precopy", { preparation: pace.preparationMs, iterations: iterationsMs });
    return { phases, totalMs: sum(phases), downtimeMs: 0, passes, converges };
  }
  // At a timeout the guest is paused and its memory sent as before, pass by pass: the limit holds.
  const leftMs = converges
    ? (pace.fill * remainingMiB * 1000) / pace.stoppedMiBps
    : (remainingMiB * 1000) / sendMiBps;
  const phases = made("precopy", {
    ...around,
    iterations: iterationsMs,
    "stop-and-copy": leftMs,
    "device-state": pace.deviceMs,
  });
  return { phases, totalMs: sum(phases), downtimeMs: leftMs + pace.deviceMs, passes, converges };
}

const sum = (phases: Course["phases"]): number => phases.reduce((total, { ms }) => total + ms, 0);
