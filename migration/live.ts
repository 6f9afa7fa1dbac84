import type { LogEnd } from "../libvirt/qemu-trace.ts";
import { measureRunning } from "./measure.ts";
import type { Mode } from "./mode.ts";
import { prepareTransfer, readStatistics, transfer } from "./transfer.ts";

/** Pre-copy: memory is sent while the guest runs, pass after pass, until the rest can be sent within the greatest downtime. */
export const live: Mode = ({ moving, witness, watch, clocks }) => {
  let logEnd: LogEnd;
  return {
    async prepare() {
      logEnd = await prepareTransfer(moving);
    },
    begin: () => transfer(moving),
    async measure(endMs) {
      const statistics = await readStatistics(moving, logEnd, witness.job);
      return measureRunning(witness, statistics, clocks, watch, endMs);
    },
  };
};
