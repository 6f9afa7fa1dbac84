import type { MigrationOptions } from "../request.ts";

/** What a way of moving needs of the hosts: what it doesn't need is not asked. */
export interface Demands {
  /** The destination goes on from what the source's QEMU wrote. */
  movesMemory: boolean;
  /** The guest's memory is copied while its CPUs write to it. */
  copiesRunningMemory: boolean;
  /** Memory goes from QEMU to QEMU, to a TCP port of the destination. */
  dataPort: boolean;
  /** The destination fetches memory when the guest wants it. */
  userfaultfd: boolean;
  /** The guest's memory is written to a file at both ends. */
  stateFile: boolean;
}

export function demandsOf(options: MigrationOptions): Demands {
  const { mode, onTimeout, transport } = options as { mode: string; onTimeout?: string; transport?: string };
  const isRunning = mode !== "offline" && mode !== "cold";
  return {
    movesMemory: mode !== "cold",
    copiesRunningMemory: isRunning,
    dataPort: isRunning && transport !== "tunnelled",
    userfaultfd: mode === "postcopy" || mode === "hybrid" || onTimeout === "postcopy",
    stateFile: mode === "offline",
  };
}
