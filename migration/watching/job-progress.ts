import { type JobInfo, parseJobInfo } from "../../libvirt/job-info.ts";
import { virshCommand } from "../../libvirt/virsh.ts";
import type { Follower } from "../../ssh/session.ts";
import type { Moving } from "../context/moving.ts";

/** Only what takes longer is worth a line: where there is no terminal, few are shown. */
const connectingMs = 5_000;

/**
 * Tells once a second how far the job is that libvirt has at the source.
 *
 * @param onJob is told what libvirt says of it, about once a second; undefined: of none, or of one that has just ended
 */
export function followProgress(
  { guest, uuid, source, destination, tell }: Moving,
  onJob: (job: JobInfo | undefined) => void,
): Follower {
  const look = `while sleep 0.9; do ${virshCommand(["domjobinfo", uuid])} 2>/dev/null; echo --; done`;
  const startedMs = performance.now();
  let printed: string[] = [];
  let begun = false;
  return source.session.follow(look, (line) => {
    if (line !== "--") {
      printed.push(line);
      return;
    }
    const job = parseJobInfo(printed.join("\n"));
    printed = [];
    const known = (job.remainingMiB ?? job.storageRemainingMiB) !== undefined;
    const elapsedMs = performance.now() - startedMs;
    // Once it has begun, a job without figures is one that has just ended.
    if (known || (!begun && elapsedMs > connectingMs)) {
      tell(`${guest}: ${source.name} → ${destination.name}, ${progressText(job, elapsedMs)}`, true);
    }
    begun ||= known;
    onJob(known ? job : undefined);
  });
}

/** Such as `2.7 s, pass 1, 412 MiB remaining at 83.5 MiB/s`. */
export function progressText(job: JobInfo, elapsedMs: number): string {
  const elapsed = `${(elapsedMs / 1000).toFixed(1)} s`;
  const storage =
    job.storageRemainingMiB === undefined
      ? ""
      : `, storage, ${job.storageRemainingMiB.toFixed(0)} MiB remaining`;
  if (!job.remainingMiB && job.storageRemainingMiB) return `${elapsed}${storage}`;
  if (job.remainingMiB === undefined) return `${elapsed}, connecting`;
  const rate = job.bandwidthMiBps === undefined ? "" : ` at ${job.bandwidthMiBps.toFixed(1)} MiB/s`;
  return `${elapsed}, pass ${job.iteration ?? 1}, ${job.remainingMiB.toFixed(0)} MiB remaining${rate}`;
}
