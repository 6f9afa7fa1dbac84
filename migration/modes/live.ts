import type { LogEnd } from "../../libvirt/qemu-trace.ts";
import { measureRunning } from "../measuring/measure.ts";
import { readStatistics } from "../measuring/statistics.ts";
import type { Mode } from "./mode.ts";
import { prepareTransfer, transfer } from "./transfer.ts";

/** Pre-copy: memory is sent while the guest runs, pass after pass, until the rest can be sent within the greatest downtime. */
export const live: Mode = ({ moving, witness, watch }) => {
  let logEnd: LogEnd;
  let throttlePercent: number | undefined;
  return {
    async prepare() {
      logEnd = await prepareTransfer(moving);
    },
    begin: () =>
      transfer(moving, (job) => {
        // Told while it goes on, and not any more once it is done.
        throttlePercent = job.throttlePercent ?? throttlePercent;
      }),
    async measure(endMs, clocks) {
      const statistics = await readStatistics(moving, logEnd, { job: witness.job, throttlePercent });
      return measureRunning(witness, statistics, clocks, watch, endMs);
    },
  };
};
