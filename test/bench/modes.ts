import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { observeGuest, withFleet } from "../../fleet/observe.ts";
import { whereabouts } from "../../fleet/whereabouts.ts";
import { MigrationFailed, migrate } from "../../migration/migrate.ts";
import { PreflightFailed } from "../../migration/preflight/checks/check.ts";
import { inconsistencies } from "../../moves/inconsistencies.ts";
import type { AskedOptions } from "../../moves/options.ts";
import { type MigrationRecord, recordSchema } from "../../moves/record.ts";
import { appendRecord } from "../../moves/results.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { type Subject, subjectOf } from "./bench-stack.ts";

/** A way to move a guest, by the name that it has in the table. */
type Arms = Record<string, AskedOptions>;

const armsOf: Record<string, (limitMiBps: number) => Arms> = {
  // Each mode, as it comes.
  modes: () => ({
    live: { mode: "live" },
    postcopy: { mode: "postcopy" },
    hybrid: { mode: "hybrid" },
    offline: { mode: "offline" },
    cold: { mode: "cold" },
  }),
  // Each option, where the versions at hand can do it.
  options: () => ({
    "max downtime 50 ms": { mode: "live", maxDowntimeMs: 50 },
    "32 MiB/s": { mode: "live", bandwidthMiBps: 32 },
    "post-copy + 32 MiB/s": { mode: "postcopy", bandwidthMiBps: 32 },
    "hybrid after 3 passes": { mode: "hybrid", hybrid: { afterPasses: 3 }, maxDowntimeMs: 1 },
    "hybrid after 500 ms": { mode: "hybrid", hybrid: { afterMs: 500 } },
    "auto-converge": { mode: "live", autoConverge: { initial: 30, increment: 20 } },
    xbzrle: { mode: "live", compression: "xbzrle" },
    "zstd + 2 connections": { mode: "live", compression: "zstd", parallelConnections: 2 },
    "4 connections": { mode: "live", parallelConnections: 4 },
    tls: { mode: "live", transport: "tls" },
    "tls + 4 connections": { mode: "live", transport: "tls", parallelConnections: 4 },
    "post-copy + tls": { mode: "postcopy", transport: "tls" },
    tunnelled: { mode: "live", transport: "tunnelled" },
    "offline + 32 MiB/s": { mode: "offline", bandwidthMiBps: 32 },
    auto: { mode: "auto" },
  }),
  // A guest whose pages get dirty faster than they can be sent: what ends, how, and with which downtime.
  hot: (limitMiBps) => {
    const limit = { bandwidthMiBps: limitMiBps, timeoutMs: 30_000 };
    return {
      "pre-copy alone": { mode: "live", ...limit },
      "pre-copy + suspend at the timeout": { mode: "live", ...limit, onTimeout: "suspend" },
      "pre-copy + post-copy at the timeout": { mode: "live", ...limit, onTimeout: "postcopy" },
      "auto-converge": { mode: "live", ...limit, timeoutMs: 300_000, autoConverge: {} },
      hybrid: { mode: "hybrid", ...limit },
      postcopy: { mode: "postcopy", ...limit },
      auto: { mode: "auto", ...limit },
    };
  },
};

const help = `Usage: node test/bench/modes.ts --stack NAME [options]     moves a stack's guest to and fro in many ways, without Pulumi

  --stack NAME      a stack that is up and whose first guest moves live; the guest is left on one of its hosts
  --arms NAME       ${Object.keys(armsOf).join(", ")}                          default: modes
  --only A,B        these of them alone
  --moves N         moves in each way                               default: 20
  --rest S          seconds between two moves, for what follows a boot to be over; default 0
  --limit MIBPS     of the arms hot: what the link carries          default: 16

Results: a table, and every record in results/modes-<arms>.jsonl.`;

const { values } = parseArgs({
  options: {
    stack: { type: "string" },
    arms: { type: "string", default: "modes" },
    only: { type: "string" },
    moves: { type: "string", default: "20" },
    rest: { type: "string", default: "0" },
    limit: { type: "string", default: "16" },
    help: { type: "boolean", default: false },
  },
});
const arms = armsOf[values.arms]?.(Number(values.limit));
if (values.help || !values.stack || !arms) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}

interface Sample {
  arm: string;
  record: MigrationRecord;
  faults: string[];
}

const subject = await subjectOf(values.stack);
// An earlier run of this left it wherever that ended.
const { sightings } = await withFleet(subject.fleet, (sessions) =>
  observeGuest(sessions, subject.fleet, subject.uuid),
);
const found = whereabouts(subject.guest, sightings);
if (found.kind === "active" && found.host === subject.other)
  [subject.host, subject.other] = [subject.other, subject.host];
const samples: Sample[] = [];
const wanted = Object.entries(arms).filter(([arm]) => !values.only || values.only.split(",").includes(arm));
for (const [arm, options] of wanted) {
  for (let i = 0; i < Number(values.moves); i++) {
    try {
      samples.push(await moveOnce(arm, options, subject));
      await sleep(Number(values.rest) * 1000);
    } catch (error) {
      // What the hosts cannot do is said before anything is touched; anything else is a defect.
      if (!(error instanceof PreflightFailed)) throw error;
      console.log(`${arm}: ${error.message}`);
      break;
    }
  }
}
console.log(table(samples));
await closeSessions();

/** Moves the guest to the other host of the two; it need not get there. */
async function moveOnce(arm: string, options: AskedOptions, subject: Subject): Promise<Sample> {
  const { guest, uuid, fleet, host, other, conditions, localOverlay } = subject;
  const history = samples.map(({ record }) => record).toReversed();
  const request = { guest, uuid, to: other, options, conditions, fleet, history, localOverlay };
  const { records, at } = await migrate(request, () => {}).then(
    ({ records, host }) => ({ records, at: host }),
    (error: unknown) => {
      if (!(error instanceof MigrationFailed) || !error.host) throw error;
      return { records: error.records, at: error.host };
    },
  );
  [subject.host, subject.other] = at === other ? [other, host] : [host, other];
  const record = recordSchema.parse(records.at(-1));
  await appendRecord(`results/modes-${values.arms}.jsonl`, record);
  const faults = inconsistencies(record);
  console.log(
    `${arm}: ${host} → ${other}, ${record.outcome}, ${record.totalMs} ms, downtime ${record.downtimeMs} ms` +
      `${record.modeReason ? ` (${record.modeReason})` : ""}${record.error ? `: ${record.error.slice(0, 200)}` : ""}${faults.map((fault) => `\n    ${fault}`).join("")}`,
  );
  return { arm, record, faults };
}

function table(samples: readonly Sample[]): string {
  const drawn = new Table({
    head: [
      "",
      "moves",
      "ended well",
      "TMT ms",
      "TDT ms",
      "TDT, longest",
      "VS ms",
      "passes",
      "throttle %",
      "sent MiB",
      "faults",
    ],
    colAligns: ["left", ...Array(10).fill("right")],
    style: { head: [], border: [], compact: true },
  });
  for (const [arm, all] of Map.groupBy(samples, ({ arm }) => arm)) {
    const of = (figure: (record: MigrationRecord) => number | undefined) =>
      all.flatMap(({ record }) => figure(record) ?? []).sort((a, b) => a - b);
    const shown = (figures: number[]) => {
      const middle = figures[Math.floor(figures.length / 2)];
      return middle === undefined ? "–" : middle < 100 ? middle.toFixed(1) : String(Math.round(middle));
    };
    drawn.push([
      arm,
      all.length,
      all.filter(({ record }) => record.outcome === "completed").length,
      shown(of(({ totalMs }) => totalMs)),
      shown(of(({ downtimeMs }) => downtimeMs)),
      shown(of(({ downtimeMs }) => downtimeMs).slice(-1)),
      shown(of(({ equations }) => equations?.vsMs)),
      shown(of(({ iterations }) => iterations)),
      shown(of(({ throttlePercent }) => throttlePercent)),
      shown(of(({ transferredMiB }) => transferredMiB)),
      all.flatMap(({ faults }) => faults).length,
    ]);
  }
  return drawn.toString();
}
