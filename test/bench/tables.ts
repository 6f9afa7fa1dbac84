import type { MigrationRecord } from "../../moves/record.ts";
import { costTable } from "./cost.ts";
import { drawn } from "./drawn.ts";
import { moveCommandFindings, moveFindings, noChangeFindings, targets, verdicts } from "./findings.ts";
import type { LabSample } from "./lab-cycle.ts";
import { plannerTables } from "./planner-tables.ts";
import { type Agreement, proberFindings } from "./prober-findings.ts";
import type { BenchResults } from "./results.ts";
import { sampledEveryMs } from "./sampling.ts";
import { scaleTables } from "./scale-tables.ts";
import { type Comparison, summary } from "./statistics.ts";
import { comparedArms } from "./with-without.ts";

/** All tables that a run's results have something for. */
export function tables(results: BenchResults): string {
  const { lab, noChange, cost, moves, command, prober, sampling, several, memory, planner, scale } = results;
  return [
    ...(lab ?? []).map(labTables),
    ...(noChange ? [noChangeTable(noChange)] : []),
    ...(cost ? [costTable(cost)] : []),
    ...(moves && moves.length > 1 ? [moveTables(moves)] : []),
    ...(command && command.length > 1 ? [moveCommandTable(command)] : []),
    ...(prober && prober.length > 1 ? [proberTables(prober)] : []),
    ...(sampling && sampling.length > 1 ? [samplingTable(sampling)] : []),
    ...(several && several.length > 0 ? [severalTable(several)] : []),
    ...(memory ? [memoryTable(memory)] : []),
    ...(planner ? [plannerTables(planner)] : []),
    ...(scale && scale.length > 0 ? [scaleTables(scale)] : []),
  ].join("\n\n");
}

function moveTables(samples: NonNullable<BenchResults["moves"]>): string {
  const findings = moveFindings(samples);
  const { figures, upAroundMove } = findings;
  const rows: [string, Comparison][] = [
    ["QEMU: total (setup → completed)", figures.qemuTotalMs],
    ["QEMU: downtime (STOP → RESUME)", figures.qemuDowntimeMs],
    ["libvirt: time elapsed", figures.jobElapsedMs],
    ["libvirt: total downtime", figures.jobDowntimeMs],
    ["the move (checks and total | virsh migrate)", figures.moveMs],
    ["around QEMU's total", figures.aroundMs],
    ["wall time (pulumi up | virsh migrate)", figures.wallMs],
  ];
  return [
    `Live moves, ${figures.moveMs.ours.n} pairs; medians in ms; ${loads(samples)}`,
    drawn(
      ["", "pulumi up", "virsh", "ratio", "95 %", "pair by pair: median", "min", "max"],
      rows.map(([name, comparison]) => [name, ...comparisonCells(comparison)]),
    ),
    `pulumi up around the engine's move: ${seconds(upAroundMove.median)} s (${seconds(upAroundMove.min)} to ${seconds(upAroundMove.max)})`,
    drawn(
      ["target", "measured", ""],
      verdicts(findings).map(({ target, measured, verdict }) => [target, measured, verdict]),
      [0, 1, 2],
    ),
  ].join("\n");
}

function moveCommandTable(samples: NonNullable<BenchResults["command"]>): string {
  const { around, beyondEmpty } = moveCommandFindings(samples);
  return [
    `npm run move, less the move, and one phase of an empty stack, ${around.ours.n} pairs; medians in ms; ${loads(samples)}`,
    drawn(
      ["", "npm run move", "empty phase", "ratio", "95 %", "pair by pair: median", "min", "max"],
      [["wall time around the move", ...comparisonCells(around)]],
    ),
    `beyond ${targets.emptyPhases} empty phases: ${seconds(beyondEmpty.median)} s (${seconds(beyondEmpty.min)} to ${seconds(beyondEmpty.max)})`,
  ].join("\n");
}

function proberTables(samples: NonNullable<BenchResults["prober"]>): string {
  const { figures, unanswered, unansweredByGuest, client, guest } = proberFindings(samples);
  const agreement = (name: string, found: Agreement | undefined): string[][] => {
    if (!found) return [];
    const { n, median, min, max } = found.difference;
    return [[name, `${n}`, ...[median, min, max].map((ms) => ms.toFixed(1)), `${found.within}`]];
  };
  return [
    `Live moves with and without a prober, ${figures.totalMs.ours.n} pairs; medians; ${loads(samples)}`,
    drawn(
      ["", "with", "without", "ratio", "95 %", "pair by pair: median", "min", "max"],
      [
        ["TMT, ms", ...comparisonCells(figures.totalMs)],
        ["QEMU: total, ms", ...comparisonCells(figures.hypervisorTotalMs)],
        ["TDT, ms", ...comparisonCells(figures.downtimeMs)],
        ["sent, MiB", ...comparisonCells(figures.transferredMiB)],
      ],
    ),
    "Downtimes: by how much one is longer than the other, ms",
    drawn(
      ["", "moves", "median", "min", "max", "moves within what both can tell"],
      [
        ...agreement("prober's unanswered questions – hypervisor", unanswered),
        ...agreement("prober's unanswered questions – guest's clock", unansweredByGuest),
        ...agreement("guest's clock – hypervisor", guest),
        ...agreement("prober's silence – hypervisor", client),
      ],
    ),
  ].join("\n");
}

function samplingTable(samples: NonNullable<BenchResults["sampling"]>): string {
  const row = (name: string, of: (record: MigrationRecord) => number | undefined) => [
    name,
    ...comparisonCells(comparedArms(samples, of)),
  ];
  const pairs = comparedArms(samples, ({ totalMs }) => totalMs).ours.n;
  return [
    `Live moves whose hosts are sampled every ${sampledEveryMs} ms, and others, ${pairs} pairs; medians; ${loads(samples)}`,
    drawn(
      ["", "with", "without", "ratio", "95 %", "pair by pair: median", "min", "max"],
      [
        row("before TMT, ms", ({ beforehandMs }) => beforehandMs),
        row("TMT, ms", ({ totalMs }) => totalMs),
        row("QEMU: total, ms", ({ hypervisorTotalMs }) => hypervisorTotalMs),
        row("TDT, ms", ({ downtimeMs }) => downtimeMs),
        row("sent, MiB", ({ transferredMiB }) => transferredMiB),
      ],
    ),
  ].join("\n");
}

function severalTable(samples: NonNullable<BenchResults["several"]>): string {
  const limits = [...new Set(samples.map(({ perHost }) => perHost))].sort((a, b) => a - b);
  return [
    `Several guests, ${samples[0]?.moves.length} of them from one host to another; medians in ms (least to most); ${loads(samples)}`,
    drawn(
      ["at a time", "rounds", "most at once", "all of them", "a move: total", "downtime", "longest downtime"],
      limits.map((perHost) => {
        const those = samples.filter((sample) => sample.perHost === perHost);
        const moves = those.flatMap((sample) => sample.moves);
        const downtimes = moves.flatMap(({ downtimeMs }) => downtimeMs ?? []);
        return [
          `${perHost}`,
          `${those.length}`,
          `${Math.max(...those.map(({ mostAtOnce }) => mostAtOnce))}`,
          spread(those.map(({ elapsedMs }) => elapsedMs)),
          spread(moves.map(({ totalMs }) => totalMs)),
          spread(downtimes),
          downtimes.length === 0 ? "–" : Math.max(...downtimes).toFixed(0),
        ];
      }),
    ),
  ].join("\n");
}

/** Such as `2310 (1905 to 2733)`. */
function spread(values: readonly number[]): string {
  if (values.length === 0) return "–";
  const { median, min, max } = summary(values);
  return `${median.toFixed(0)} (${min.toFixed(0)} to ${max.toFixed(0)})`;
}

function noChangeTable(samples: NonNullable<BenchResults["noChange"]>): string {
  const comparison = noChangeFindings(samples);
  return [
    `pulumi up with nothing changed, ${comparison.ours.n} pairs; medians in ms; ${loads(samples)}`,
    drawn(
      ["", "testbed", "empty stack", "ratio", "95 %", "pair by pair: median", "min", "max"],
      [["wall time", ...comparisonCells(comparison)]],
    ),
  ].join("\n");
}

const comparisonCells = ({
  ours,
  reference,
  ratioOfMedians,
  ratioInterval95,
  pairRatio,
}: Comparison): string[] => [
  ours.median.toFixed(0),
  reference.median.toFixed(0),
  ratioOfMedians.toFixed(3),
  ratioInterval95.map((bound) => bound.toFixed(2)).join("–"),
  pairRatio.median.toFixed(3),
  pairRatio.min.toFixed(2),
  pairRatio.max.toFixed(2),
];

function labTables({ upMs, reachableMs, destroyMs, parts, criticalPath, load }: LabSample): string {
  const destroyed = destroyMs === undefined ? "" : `, destroyed in ${seconds(destroyMs)} s`;
  return [
    `Lab from cached base and image: guests reachable after ${seconds(reachableMs)} s, up done after ${seconds(upMs)} s${destroyed} (load ${load.toFixed(1)})`,
    drawn(
      ["part", "resources", "from s", "to s", "longest s"],
      parts.map(({ part, resources, startMs, endMs, longestMs }) => [
        part,
        `${resources}`,
        seconds(startMs),
        seconds(endMs),
        seconds(longestMs),
      ]),
    ),
    "The critical path: what each waited for last",
    drawn(
      ["resource", "part", "waited s", "took s", "done at s"],
      criticalPath.map(({ name, part, waitMs, tookMs, endMs }) => [
        name,
        part,
        seconds(waitMs),
        seconds(tookMs),
        seconds(endMs),
      ]),
      [0, 1],
    ),
  ].join("\n");
}

function memoryTable({ move, emptyStack }: NonNullable<BenchResults["memory"]>): string {
  const whenEmpty = new Map(emptyStack.map((sample) => [sample.kind, sample]));
  return [
    "Peak memory of Pulumi and its processes, MiB",
    drawn(
      ["process", "at once", "greatest one (VmHWM)", "sum (VmRSS)", "empty stack: greatest", "sum"],
      move.map(({ kind, processes, peakMiB, peakSumMiB }) => {
        const empty = whenEmpty.get(kind);
        return [kind, `${processes}`, ...[peakMiB, peakSumMiB, empty?.peakMiB, empty?.peakSumMiB].map(whole)];
      }),
    ),
  ].join("\n");
}

/** How busy the machine was with other things: times on a busy one are no measurement of this project. */
function loads(samples: readonly { load: number }[]): string {
  const { median, min, max } = summary(samples.map(({ load }) => load));
  return `load before: ${median.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`;
}

const whole = (value: number | undefined): string => (value === undefined ? "–" : value.toFixed(0));

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
