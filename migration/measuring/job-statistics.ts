import { type JobInfo, parseJobInfo } from "../../libvirt/job-info.ts";
import { type LogEnd, readTrace, type TraceEvent } from "../../libvirt/qemu-trace.ts";
import { virsh } from "../../libvirt/virsh.ts";
import type { Endpoint, Moving } from "../context/moving.ts";

/** What QEMU and libvirt tell of a running guest's move once it is done. */
export interface Statistics {
  /** From the source's QEMU. */
  trace: TraceEvent[];
  /** libvirt's; absent when it keeps none. */
  job?: JobInfo;
}

/** What was heard while it went on. */
interface HeardMeanwhile {
  /** What the source's libvirt said of the job when it ended: after a post-copy the destination keeps nothing. */
  job: JobInfo | undefined;
  /** The last of auto-converge: once it is over, nothing reports it. */
  throttlePercent: number | undefined;
}

/**
 * The guest has moved: missing statistics must not fail anything else.
 *
 * @param logEnd where the source's log ended before the move, from `prepareTransfer`
 */
export async function readStatistics(
  { guest, uuid, source, destination, tell }: Moving,
  logEnd: LogEnd,
  { job: heard, throttlePercent }: HeardMeanwhile,
): Promise<Statistics> {
  const [trace, job] = await Promise.all([
    readTrace(source.session, guest, logEnd),
    heard ?? completedJob(destination, uuid),
  ]).catch((error: Error) => {
    tell(`${guest}: the statistics of its move are lost (${error.message})`);
    return [[], heard] as const;
  });
  const all = { ...job, ...(throttlePercent !== undefined && { throttlePercent }) };
  return { trace: [...trace], ...(Object.keys(all).length > 0 && { job: all }) };
}

async function completedJob({ session }: Endpoint, uuid: string): Promise<JobInfo | undefined> {
  const { exitCode, stdout } = await virsh(
    session,
    "reading the statistics of the migration",
    ["domjobinfo", uuid, "--completed", "--keep-completed"],
    { allowFailure: true },
  );
  return exitCode === 0 ? parseJobInfo(stdout) : undefined;
}
