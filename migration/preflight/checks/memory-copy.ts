import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/**
 * Before 9.0, an emulating QEMU (TCG) did not see all of the writes to memory that it was copying: guests crashed after a
 * pre-copy, or went on with old data (fixed by "physmem: Fix migration dirty bitmap coherency with TCG memory access").
 */
export function emulationCheck(accelerator: "kvm" | "tcg", host: string, qemu: string): Check {
  return accelerator === "kvm" || Number.parseFloat(qemu) >= 9
    ? passed("memory copy", `QEMU ${qemu} on ${host} tracks all writes under ${accelerator}`)
    : failed(
        "memory copy",
        `QEMU ${qemu} on ${host} emulates (tcg) and, before 9.0, loses writes while a running guest's memory is copied: ` +
          "move it offline or cold, or install QEMU 9.0 or newer (Debian 12 has it in bookworm-backports)",
      );
}

export const memoryCopy: PreflightCheck = {
  lasts: true,
  judge: ({ request, demands, source, versions: { from } }) =>
    demands.copiesRunningMemory
      ? emulationCheck(request.conditions.accelerator, source.name, from.qemu)
      : undefined,
};
