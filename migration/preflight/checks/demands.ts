import { traitsOf } from "../../../moves/modes.ts";
import { type AskedOptions, mayUsePostcopy } from "../../../moves/options.ts";

/** What a mode needs of the hosts: what it doesn't need is not asked. */
export interface Demands {
  /** The destination goes on from what the source's QEMU wrote. */
  movesMemory: boolean;
  /** The guest's memory is copied while its CPUs write to it. */
  copiesRunningMemory: boolean;
  /** Memory goes from QEMU to QEMU, to a TCP port of the destination. */
  dataPort: boolean;
  /** The destination fetches memory when the guest wants it. */
  userfaultfd: boolean;
  /** The guest's memory is written to a file at both endpoints. */
  stateFile: boolean;
}

/** For `auto`, what holds for all of its choices: they move a running guest. */
export function demandsOf(options: AskedOptions): Demands {
  const { mode, transport } = options;
  const { memory } = traitsOf(mode);
  const isRunning = memory === "sent";
  return {
    movesMemory: memory !== "none",
    copiesRunningMemory: isRunning,
    dataPort: isRunning && transport !== "tunnelled",
    userfaultfd: mayUsePostcopy(options),
    stateFile: memory === "saved",
  };
}
