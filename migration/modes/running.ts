import type { LogEnd } from "../../libvirt/qemu-trace.ts";
import { readStatistics } from "../measuring/job-statistics.ts";
import { measureRunning } from "../measuring/measure.ts";
import type { ModesPart, Underway } from "./mode.ts";
import { prepareTransfer, type TransferMeans, transfer } from "./transfer.ts";

/** The flow of a mode that sends a running guest's memory. */
export function running(
  { moving, witness, watch, shareMiBps, onJob }: Underway,
  { postcopyDueInMs }: Pick<TransferMeans, "postcopyDueInMs"> = {},
): ModesPart {
  let logEnd: LogEnd;
  let throttlePercent: number | undefined;
  return {
    async prepare() {
      logEnd = await prepareTransfer(moving);
    },
    begin: () =>
      transfer(moving, {
        witness,
        shareMiBps,
        postcopyDueInMs,
        onJob: (job) => {
          // Reported while it goes on, and no longer once it is done.
          throttlePercent = job.throttlePercent ?? throttlePercent;
          onJob?.(job);
        },
      }),
    async measure(endMs, clocks) {
      const statistics = await readStatistics(moving, logEnd, { job: witness.job, throttlePercent });
      return measureRunning(witness, statistics, clocks, watch, endMs);
    },
  };
}
