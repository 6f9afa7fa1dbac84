import type { FaultName } from "./faults.ts";
import type { Mode, Moment } from "./moments.ts";

/** One fault at one moment of a move, and what must become of the guest's memory. */
export interface FaultCase {
  /** Where the guest's writes lie: on the NFS export, or on its host's own disk, from where they move along. */
  redo: "shared" | "local";
  mode: Mode;
  moment: Moment;
  fault: FaultName;
  /** lost: that is said, and it is booted anew. either: the fault may come a moment before or after that in which it matters. */
  memory: "kept" | "lost" | "either";
}

/** By mode, moment and fault. A cold move ends the guest's memory by itself. */
export const cases: readonly FaultCase[] = [
  ...at("live", "start", {
    kept: ["cli", "provider", "interruption", "destinationLibvirtd", "sourceLibvirtd", "sshRefused"],
  }),
  ...at("live", "middle", {
    lost: ["sourceQemu", "sourceHost", "power"],
    kept: [
      "destinationQemu",
      "sourceLibvirtd",
      "destinationLibvirtd",
      "cli",
      "provider",
      "interruption",
      "shortCut",
      "longCut",
      "destinationHost",
      "nfs",
      "sshRefused",
    ],
  }),
  ...at("live", "switchover", {
    either: ["sourceQemu", "destinationQemu", "sourceHost", "destinationHost"],
    kept: ["sourceLibvirtd", "destinationLibvirtd", "cli", "provider", "shortCut", "nfs"],
  }),
  ...at("postcopy", "start", {
    kept: ["cli", "provider", "interruption", "sourceLibvirtd", "destinationLibvirtd", "sshRefused"],
  }),
  ...at("postcopy", "middle", {
    lost: ["sourceQemu", "destinationQemu", "sourceHost", "destinationHost", "power"],
    kept: [
      "sourceLibvirtd",
      "destinationLibvirtd",
      "cli",
      "provider",
      "interruption",
      "shortCut",
      "longCut",
      "nfs",
      "sshRefused",
    ],
  }),
  ...at("postcopy", "switchover", {
    either: ["sourceQemu", "destinationQemu", "sourceLibvirtd", "destinationLibvirtd"],
    kept: ["cli", "provider", "shortCut"],
  }),
  ...at("offline", "start", {
    kept: ["cli", "provider", "interruption", "noSpace", "sshRefused", "sourceLibvirtd"],
  }),
  ...at("offline", "middle", {
    kept: [
      "sourceLibvirtd",
      "destinationLibvirtd",
      "cli",
      "provider",
      "interruption",
      "shortCut",
      "longCut",
      "destinationHost",
      "nfs",
    ],
    // The state file is on the source's disk, which a lab host keeps.
    either: ["sourceHost", "power"],
  }),
  ...at("offline", "switchover", {
    either: ["destinationQemu", "destinationHost", "destinationLibvirtd"],
    kept: ["sourceLibvirtd", "cli", "provider", "sourceHost", "nfs"],
  }),
  ...at("cold", "start", {
    lost: ["cli", "provider", "interruption", "sourceLibvirtd", "destinationLibvirtd", "sshRefused"],
  }),
  ...at("cold", "middle", {
    lost: [
      "sourceQemu",
      "sourceLibvirtd",
      "destinationLibvirtd",
      "cli",
      "provider",
      "sourceHost",
      "destinationHost",
      "power",
      "nfs",
      "longCut",
    ],
  }),
  ...at("cold", "switchover", {
    lost: ["destinationQemu", "destinationLibvirtd", "cli", "provider", "sourceHost", "destinationHost"],
  }),
  // There are two files of what it wrote meanwhile, and one of them is right.
  ...local("live", "middle", {
    lost: ["sourceHost", "power"],
    kept: [
      "destinationQemu",
      "sourceLibvirtd",
      "cli",
      "provider",
      "interruption",
      "shortCut",
      "destinationHost",
    ],
  }),
  ...local("live", "switchover", { either: ["sourceQemu", "destinationQemu"], kept: ["cli", "provider"] }),
  ...local("postcopy", "middle", { lost: ["destinationQemu"], kept: ["cli", "provider"] }),
  ...local("offline", "middle", { kept: ["cli", "provider", "interruption", "destinationHost"] }),
  ...local("cold", "middle", { lost: ["cli", "provider", "destinationHost", "power"] }),
  ...local("cold", "switchover", { lost: ["cli", "sourceHost"] }),
];

type ByMemory = Partial<Record<FaultCase["memory"], FaultName[]>>;

function at(mode: Mode, moment: Moment, faults: ByMemory, redo: FaultCase["redo"] = "shared"): FaultCase[] {
  return Object.entries(faults).flatMap(([memory, names]) =>
    names.map((fault) => ({ redo, mode, moment, fault, memory: memory as FaultCase["memory"] })),
  );
}

function local(mode: Mode, moment: Moment, faults: ByMemory): FaultCase[] {
  return at(mode, moment, faults, "local");
}
