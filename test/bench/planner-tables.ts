import { drawn } from "./drawn.ts";
import type { PlannerResults } from "./planner.ts";
import { summary } from "./statistics.ts";

/** Rounding, and hbal's eight digits. */
const rounding = 1e-7;

export function plannerTables({ hbal, against, alone, consolidated }: PlannerResults): string {
  return [
    ...(against.length > 0
      ? [
          `Plans against hbal ${hbal}, each with no more moves and no more GiB than its own; medians`,
          againstTable(against),
        ]
      : ["hbal is not installed (Debian: ganeti-htools), so nothing was compared with it"]),
    ...(alone.length > 0 ? ["Plans by memory, vCPUs and load, with N+1 asked for", aloneTable(alone)] : []),
    ...(consolidated.length > 0
      ? ["Hosts that are left in use, one of which may be lost", inUseTable(consolidated)]
      : []),
  ].join("\n");
}

const median = (values: readonly number[]): number => summary(values).median;

function againstTable(samples: PlannerResults["against"]): string {
  const head = [
    "hosts/guests",
    "clusters",
    "",
    "score before",
    "after",
    "moves",
    "GiB",
    "CPU s",
    "no worse in all three",
    "score / hbal's (worst)",
  ];
  const rows = bySize(samples).flatMap(([size, those]) => {
    const row = (name: string, which: "hbal" | "ours" | "free", more: string[]) => [
      size,
      `${those.length}`,
      name,
      median(those.map(({ before }) => before)).toFixed(4),
      median(those.map((sample) => sample[which].score)).toFixed(4),
      median(those.map((sample) => sample[which].moves)).toFixed(0),
      median(those.map((sample) => sample[which].gib)).toFixed(0),
      (median(those.map((sample) => sample[which].cpuMs)) / 1000).toFixed(3),
      ...more,
    ];
    const ratios = (which: "ours" | "free") => those.map((sample) => sample[which].score / sample.hbal.score);
    const worst = (which: "ours" | "free") => {
      const { median, max } = summary(ratios(which));
      return `${median.toFixed(2)} (${max.toFixed(2)})`;
    };
    const share = (which: "ours" | "free") =>
      `${those.filter((sample) => isNoWorse(sample[which], sample.hbal)).length} of ${those.length}`;
    return [
      row("hbal", "hbal", ["–", "–"]),
      row("within hbal's", "ours", [share("ours"), worst("ours")]),
      row("by usual prices", "free", [share("free"), worst("free")]),
    ];
  });
  const off = Math.max(...samples.map(({ ours, oursByHbal }) => Math.abs(ours.score - oursByHbal)));
  return `${drawn(head, rows, [0, 2])}\nOur ends as hbal scores them differ from our own figures by ${off.toExponential(0)} at most.`;
}

type Figures = PlannerResults["against"][number]["ours"];
const isNoWorse = (ours: Figures, its: Figures): boolean =>
  ours.score <= its.score + rounding && ours.moves <= its.moves && ours.gib <= its.gib;

function aloneTable(samples: PlannerResults["alone"]): string {
  const head = [
    "hosts/guests",
    "seed",
    "imbalance before",
    "after",
    "moves",
    "GiB",
    "CPU s",
    "N+1",
    "hbal: CPU s a move",
  ];
  const rows = samples.map(({ hosts, guests, seed, before, ours, isCovered, hbalStepMs }) => [
    `${hosts}/${guests}`,
    `${seed}`,
    before.toFixed(4),
    ours.score.toFixed(4),
    `${ours.moves}`,
    ours.gib.toFixed(0),
    (ours.cpuMs / 1000).toFixed(2),
    isCovered ? "yes" : "no",
    hbalStepMs === undefined ? "–" : (hbalStepMs / 1000).toFixed(2),
  ]);
  return drawn(head, rows);
}

function inUseTable(samples: PlannerResults["consolidated"]): string {
  const head = [
    "hosts/guests",
    "seed",
    "in use",
    "no fewer than",
    "moves",
    "GiB",
    "CPU s",
    "N+1 without the empty ones",
  ];
  const rows = samples.map(({ hosts, guests, seed, inUse, least, moves, gib, cpuMs, isCovered }) => [
    `${hosts}/${guests}`,
    `${seed}`,
    `${inUse}`,
    `${least}`,
    `${moves}`,
    gib.toFixed(0),
    (cpuMs / 1000).toFixed(2),
    isCovered ? "yes" : "no",
  ]);
  return drawn(head, rows);
}

function bySize<T extends { hosts: number; guests: number }>(samples: readonly T[]): [string, T[]][] {
  return Object.entries(Object.groupBy(samples, ({ hosts, guests }) => `${hosts}/${guests}`)).map(
    ([size, those = []]) => [size, those],
  );
}
