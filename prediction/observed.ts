import { boots, modes, savesMemory } from "../moves/modes.ts";
import { defaultMaxDowntimeMs } from "../moves/options.ts";
import { type MigrationRecord, pathOf } from "../moves/record.ts";
import type { Pace } from "./model.ts";
import { overshootShare } from "./precopy.ts";

/** QEMU's pages, in MiB. */
const pageMiB = 4096 / 1_048_576;

/** How a guest wrote while its first pass went, in which nothing was dirty at first. */
export function writingIn({ passes }: MigrationRecord): { ms: number; dirtyMiBps: number } | undefined {
  const [first, second] = passes;
  if (!first || second?.dirtyPagesPerSecond === undefined) return undefined;
  const ms = second.atMs - first.atMs;
  // QEMU needs some time to tell anything.
  return ms < 100 ? undefined : { ms, dirtyMiBps: second.dirtyPagesPerSecond * pageMiB };
}

/** More passes than this are no sum of what is left: pages were dirty again and again. */
const fewPasses = 8;

/** What was not zero: all that was sent, less what was dirty again. */
export function touchedIn(record: MigrationRecord): number | undefined {
  const { transferredMiB, equations, passes, iterations = 0, mode } = record;
  if (transferredMiB === undefined || !equations) return undefined;
  if (pathOf(record) === "postcopy") return !modes[mode].precopy ? transferredMiB : undefined;
  const writing = writingIn(record);
  if (!writing || record.options?.compression !== undefined) return undefined;
  if (iterations > fewPasses) return passes[1]?.transferredMiB;
  const touched = transferredMiB - (writing.dirtyMiBps * equations.tiMs) / 1000;
  return touched > 0 ? touched : undefined;
}

/**
 * What a record tells of the pace of its hosts.
 *
 * @param touchedMiB what of its guest's memory was not zero
 * @param prior what was expected of phases whose time depends on a size
 */
export function paceIn(record: MigrationRecord, touchedMiB: number, prior: Pace): Partial<Pace> {
  const { mode, phases, totalMs, downtimeMs, storageMiB } = record;
  const phase = (name: string) => {
    const found = phases.find((candidate) => candidate.name === name);
    return found && found.endMs - found.startMs;
  };
  /** A phase that took so many times as long as expected, whatever part of it depends on the size. */
  const slower = (ms: number | undefined, fixedMs: number, mib: number, rate: number) => {
    if (ms === undefined || ms <= 0) return [undefined, undefined];
    const times = ms / (fixedMs + (mib / rate) * 1000);
    return [fixedMs * times, rate / times];
  };
  const [storageMs, storageMiBps] = slower(
    phase("storage"),
    prior.storageMs,
    storageMiB ?? 0,
    prior.storageMiBps,
  );
  if (savesMemory(mode)) {
    const [suspendMs, saveMiBps] = slower(phase("suspend"), prior.suspendMs, touchedMiB, prior.saveMiBps);
    const [copyMs, copyMiBps] = slower(phase("copy"), prior.copyMs, touchedMiB, prior.copyMiBps);
    const [resumeMs, loadMiBps] = slower(phase("resume"), prior.resumeMs, touchedMiB, prior.loadMiBps);
    const awakeMs = downtimeMs === undefined ? undefined : totalMs - downtimeMs;
    return { suspendMs, saveMiBps, copyMs, copyMiBps, resumeMs, loadMiBps, storageMs, storageMiBps, awakeMs };
  }
  if (boots(mode)) {
    const [shutdownMs, defineMs, startMs] = [phase("shutdown"), phase("define"), phase("start")];
    return { shutdownMs, defineMs, startMs, storageMs, storageMiBps };
  }
  return {
    preparationMs: phase("preparation"),
    completionMs: phase("completion"),
    storageMs,
    storageMiBps,
    ...(pathOf(record) === "postcopy" ? pulling(record, phase("post-copy")) : sending(record, prior)),
  };
}

function pulling(
  { mode, equations, transferredMiB, options }: MigrationRecord,
  pullMs: number | undefined,
): Partial<Pace> {
  if (!equations) return {};
  // A hybrid's devices find most of the memory there.
  if (modes[mode].precopy) return { deviceMs: equations.vsMs };
  const allMs = equations.tiMs + (pullMs ?? 0);
  const pullMiBps = transferredMiB === undefined || allMs === 0 ? undefined : (transferredMiB * 1000) / allMs;
  return {
    turnMs: equations.tiMs,
    postcopyDeviceMs: equations.vsMs,
    pullMiBps: unlimited(pullMiBps, options?.bandwidthMiBps),
  };
}

function sending(record: MigrationRecord, prior: Pace): Partial<Pace> {
  const { equations, transferredMiB, passes, memoryMiB, options = {} } = record;
  if (!equations) return {};
  const { tiMs, dmMs = 0, vsMs } = equations;
  const { remainingMiB: last, transferredMiB: seenMiB = 0 } = passes.at(-1) ?? {};
  if (transferredMiB === undefined || last === undefined || wasPaused(record)) return { deviceMs: vsMs };
  // Of what remained, zero pages were next to nothing to send.
  const sentMiB = Math.max(transferredMiB - last, seenMiB);
  const zeroMs = (Math.max(0, memoryMiB - sentMiB) / prior.zeroMiBps) * 1000;
  const seen = (sentMiB * 1000) / Math.max(tiMs - zeroMs, tiMs / 2);
  const threshold =
    ((options.switchoverMiBps ?? seen) * (options.maxDowntimeMs ?? defaultMaxDowntimeMs)) / 1000;
  const expected = threshold * overshootShare;
  return {
    deviceMs: vsMs,
    sendMiBps: sentMiB > 0 && tiMs > 0 ? unlimited(seen, options.bandwidthMiBps) : undefined,
    // Shorter or smaller, and it is the beginning and the end that took the time.
    stoppedMiBps: dmMs > 2 && last > 2 ? (last * 1000) / dmMs : undefined,
    fill: expected > 0 && last > 0 && !options.autoConverge ? Math.min(1, last / expected) : undefined,
  };
}

/** Paused at its timeout, a guest's memory is sent pass by pass as before, by its limit: that is no switchover. */
function wasPaused({ passes, phases }: MigrationRecord): boolean {
  const stopped = phases.find(({ name }) => name === "stop-and-copy");
  return stopped !== undefined && passes.some(({ atMs }) => atMs > stopped.startMs + 200);
}

/** A transfer that was as fast as its limit tells nothing of what it could have been without. */
const unlimited = (rate: number | undefined, limit = Number.POSITIVE_INFINITY): number | undefined =>
  rate !== undefined && rate < 0.85 * limit ? rate : undefined;
