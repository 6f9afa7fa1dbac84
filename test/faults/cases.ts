import type { FaultName } from "./faults.ts";
import type { Mode, Moment, Way } from "./moments.ts";

/** One fault at one moment of a move, and what must become of the guest's memory. */
export interface FaultCase {
  /** Where the guest's writes lie: on the NFS export, or on its host's own disk, from where they move along. */
  overlay: "shared" | "local";
  mode: Mode;
  way: Way;
  moment: Moment;
  fault: FaultName;
  /**
   * lost: that is said, and it is booted anew. ended: by the guest itself, or by a person who shut it down, so that no record says that it
   * was lost. either: the fault may come a moment before or after that in which it matters.
   */
  memory: "kept" | "lost" | "ended" | "either";
}

/** As a selection and a table name it. */
export const modeAndWay = ({ mode, way }: FaultCase): string => (way === "plain" ? mode : `${mode}, ${way}`);

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

  // What a person does between two runs.
  ...at("offline", "middle", { ended: ["startedAtSource", "leftRunningAtSource", "startedElsewhere"] }),
  ...at("cold", "middle", { ended: ["startedElsewhere"] }),
  ...at("live", "middle", { kept: ["movedElsewhere"] }),
  ...local("offline", "middle", { ended: ["startedAtSource"] }),

  // What the guest does to itself.
  ...at("live", "middle", { ended: ["guestOff", "guestReboot", "guestPanic"] }),
  ...at("live", "switchover", { ended: ["guestOff", "guestReboot"] }),
  ...at("postcopy", "middle", { ended: ["guestOff", "guestReboot"] }),
  ...at("hybrid", "middle", { ended: ["guestOff"] }),
  ...at("hybrid", "switchover", { ended: ["guestOff", "guestPanic"] }),
  ...at("offline", "start", { either: ["guestOff"] }),
  ...local("live", "middle", { ended: ["guestOff", "guestReboot"] }),

  // What a person does meanwhile.
  ...at("live", "middle", {
    lost: ["sourceDestroyed"],
    kept: [
      "destinationDestroyed",
      "suspendedAtSource",
      "secondMove",
      "abortedAtSource",
      "abortedAtDestination",
    ],
  }),
  ...at("live", "switchover", { either: ["sourceDestroyed", "destinationDestroyed"] }),
  ...at("postcopy", "middle", {
    lost: ["sourceDestroyed", "destinationDestroyed"],
    kept: ["suspendedAtDestination", "secondMove", "abortedAtSource", "abortedAtDestination"],
  }),
  ...at("hybrid", "middle", { kept: ["abortedAtSource", "suspendedAtSource"] }),
  ...at("offline", "middle", { kept: ["secondMove"] }),
  ...at("offline", "switchover", { either: ["destinationDestroyed"] }),
  ...local("live", "start", { kept: ["blockJobAborted"] }),
  ...local("live", "middle", { kept: ["abortedAtSource", "destinationDestroyed"] }),

  // Programs that stand still, and networks that fail in part.
  ...at("live", "middle", {
    kept: [
      "sourceLibvirtdStopped",
      "destinationLibvirtdStopped",
      "destinationLibvirtdStoppedLong",
      "virshStopped",
      "cutBelowKeepalive",
      "cutBeyondKeepalive",
    ],
  }),
  ...at("postcopy", "middle", {
    kept: ["sourceLibvirtdStopped", "destinationLibvirtdStopped", "virshStopped"],
  }),
  ...at("offline", "middle", { kept: ["destinationLibvirtdStopped"] }),
  ...at("live", "beforehand", { kept: ["loss", "firstPortTaken"] }),
  ...at("live", "beforehand", { kept: ["ownPortTaken"] }, { way: "own port" }),
  ...at("live", "middle", { kept: ["interruption"] }, { way: "own port" }),
  ...at("postcopy", "beforehand", { kept: ["loss"] }),
  ...at("offline", "beforehand", { kept: ["loss"] }),

  // A post-copy that is paused.
  ...at("postcopy", "middle", {
    kept: ["pausedTwice", "recoveringFails", "pausedSourceLibvirtd", "pausedDestinationLibvirtd"],
    lost: [
      "pausedSourceQemu",
      "pausedDestinationQemu",
      "pausedSourceDestroyed",
      "pausedDestinationDestroyed",
    ],
  }),
  ...at("hybrid", "switchover", { kept: ["pausedTwice"], lost: ["pausedDestinationQemu"] }),

  // In other ways.
  ...at("hybrid", "middle", {
    kept: ["cli", "provider", "destinationQemu", "destinationLibvirtd", "shortCut", "interruption"],
    lost: ["sourceQemu"],
  }),
  ...at("hybrid", "switchover", {
    kept: ["cli", "provider", "shortCut"],
    lost: ["sourceQemu", "destinationQemu"],
  }),
  ...local("hybrid", "middle", { kept: ["provider", "destinationQemu"] }),
  ...at("live", "middle", { kept: ["provider", "destinationQemu", "shortCut"] }, { way: "parallel" }),
  ...at("live", "beforehand", { kept: ["loss"] }, { way: "parallel" }),
  ...at(
    "live",
    "middle",
    { kept: ["provider", "destinationLibvirtd", "cutBeyondKeepalive"] },
    { way: "tunnelled" },
  ),
  ...at(
    "live",
    "middle",
    { kept: ["provider", "destinationQemu", "sourceLibvirtdStopped"] },
    { way: "xbzrle" },
  ),
  ...at(
    "live",
    "middle",
    { kept: ["provider", "destinationQemu", "abortedAtSource"] },
    { way: "auto-converge" },
  ),
  ...at("live", "middle", { kept: ["provider", "destinationQemu", "shortCut"] }, { way: "tls" }),
  ...at("live", "middle", { kept: ["destinationLibvirtd"] }, { way: "parallel, tls" }),
  ...at("postcopy", "middle", { kept: ["provider", "pausedTwice"] }, { way: "tls" }),
  ...local("live", "middle", { kept: ["provider", "shortCut"] }, "tls"),

  // Certificates that do not fit.
  ...at(
    "live",
    "beforehand",
    { kept: ["noSourceCertificate", "noDestinationCertificate", "otherName", "expired", "otherAuthority"] },
    { way: "tls" },
  ),
  ...at("hybrid", "beforehand", { kept: ["otherAuthority"] }, { way: "tls" }),
  ...local("live", "beforehand", { kept: ["expired"] }, "tls"),

  // No room, and no way to the disk.
  ...local("live", "start", { kept: ["noSpaceForOverlay"] }),
  ...local("offline", "start", { kept: ["noSpaceForOverlay"] }),
  ...at("live", "beforehand", { kept: ["noSpaceOnStorage"] }),
  ...at("live", "middle", { kept: ["nfsLong"] }),
  ...at("postcopy", "middle", { kept: ["nfsLong"] }),
  ...at("offline", "middle", { kept: ["nfsLong"] }),
];

type ByMemory = Partial<Record<FaultCase["memory"], FaultName[]>>;

function at(
  mode: Mode,
  moment: Moment,
  faults: ByMemory,
  { overlay = "shared", way = "plain" }: Partial<Pick<FaultCase, "overlay" | "way">> = {},
): FaultCase[] {
  return Object.entries(faults).flatMap(([memory, names]) =>
    names.map((fault) => ({ overlay, mode, way, moment, fault, memory: memory as FaultCase["memory"] })),
  );
}

function local(mode: Mode, moment: Moment, faults: ByMemory, way?: Way): FaultCase[] {
  return at(mode, moment, faults, { overlay: "local", way });
}
