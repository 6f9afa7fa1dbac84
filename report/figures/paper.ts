import type { Dataset } from "../data/dataset.ts";
import { isLive, isOffline, phaseMs } from "../data/measures.ts";
import { type AgainstMemory, againstMemory } from "./against-memory.ts";
import type { Figure } from "./figure.ts";

/** The paper's figures 4 to 7 and 9 to 12, in its order; those of which there is nothing are left out. */
export const paperFigures = (dataset: Dataset): Figure[] =>
  asked.map((one) => againstMemory(dataset, one)).filter((figure) => figure !== undefined);

const offlinePhase = (name: "suspend" | "copy" | "resume"): AgainstMemory["measured"] => [
  { name, which: isOffline, valueMs: ({ record }) => phaseMs(record, name) },
];

const asked: readonly AgainstMemory[] = [
  {
    id: "figure-4",
    title: "Figure 4. Offline: suspend",
    what: "From the first action until the state file with the guest's memory is complete",
    measured: offlinePhase("suspend"),
  },
  {
    id: "figure-5",
    title: "Figure 5. Offline: copy",
    what: "Until the state file and the definition are at the destination",
    measured: offlinePhase("copy"),
  },
  {
    id: "figure-6",
    title: "Figure 6. Offline: resume",
    what: "Until the guest runs at the destination and nothing is left at the source",
    measured: offlinePhase("resume"),
  },
  {
    id: "figure-7",
    title: "Figure 7. Offline: total time and downtime",
    what: "Total migration time (TMT) and downtime (TDT) of the same moves",
    measured: [
      { name: "total", which: isOffline, valueMs: ({ record }) => record.totalMs },
      { name: "downtime", which: isOffline, valueMs: ({ record }) => record.downtimeMs },
    ],
  },
  {
    id: "figure-9",
    title: "Figure 9. Live: total time",
    what: "Total migration time (TMT) of live moves by pre-copy",
    measured: [{ name: "live", which: isLive, valueMs: ({ record }) => record.totalMs }],
  },
  {
    id: "figure-10",
    title: "Figure 10. Live: downtime",
    what: "From the guest's stop at the source until it runs at the destination (TDT), of live moves by pre-copy",
    measured: [{ name: "live", which: isLive, valueMs: ({ record }) => record.downtimeMs }],
  },
  {
    id: "figure-11",
    title: "Figure 11. Downtime, offline against live",
    what: "The same guests, moved offline and live",
    measured: [
      { name: "offline", which: isOffline, valueMs: ({ record }) => record.downtimeMs },
      { name: "live", which: isLive, valueMs: ({ record }) => record.downtimeMs },
    ],
    isLogarithmic: true,
  },
  {
    id: "figure-12",
    title: "Figure 12. Total time, offline against live",
    what: "The same guests, moved offline and live",
    measured: [
      { name: "offline", which: isOffline, valueMs: ({ record }) => record.totalMs },
      { name: "live", which: isLive, valueMs: ({ record }) => record.totalMs },
    ],
  },
];
