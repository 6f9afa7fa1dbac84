import type { JobInfo } from "../libvirt/job-info.ts";
import type { Sighting } from "../libvirt/sighting.ts";
import { withoutAbsent } from "../libvirt/without-absent.ts";
import { movesRunning } from "../moves/modes.ts";
import { mayUsePostcopy } from "../moves/options.ts";
import type { MigrationRecord } from "../moves/record.ts";
import type { MoveSamples } from "../moves/samples.ts";
import { madeRecord } from "../moves/sound-record.ts";
import { predictMove } from "./choosing/predict-move.ts";
import type { Resolved } from "./choosing/resolve-auto.ts";
import {
  baselineKnown,
  type Clients,
  clientFigures,
  keepSwitchover,
  latencyOfMove,
  latencySeries,
  startClients,
  stopClients,
} from "./clients/clients.ts";
import type { MigrationRequest } from "./context/migration-request.ts";
import type { Moving } from "./context/moving.ts";
import { type Circumstances, circumstances } from "./measuring/circumstances.ts";
import { withDrift } from "./measuring/clock-drift.ts";
import { type Clocks, rounded } from "./measuring/measure.ts";
import { Stopwatch } from "./measuring/stopwatch.ts";
import { Witness } from "./measuring/witness.ts";
import { flows } from "./modes/flows.ts";
import type { ModesPart, Underway } from "./modes/mode.ts";
import { preflight } from "./preflight/preflight.ts";
import { movesBefore } from "./queue/admission.ts";
import { sharedBandwidth } from "./queue/bandwidth.ts";
import type { QueueTurn } from "./queue/queue.ts";
import { toldBoot } from "./reconciling/perform.ts";
import { type Reconciled, reconcile, Unsettled } from "./reconciling/reconcile.ts";
import { type Sampling, startSampling } from "./sampling/sampling.ts";

/** What became of a move: its record, where the guest runs if that is known, and why it is not where it should be. */
interface MoveOutcome {
  record: MigrationRecord;
  host?: string;
  failure?: unknown;
  /** What was seen of it again and again, known some seconds later. Absent: nothing was. */
  samples?: Promise<MoveSamples | undefined>;
}

/** What a move was asked for with, and what was found at its turn. */
interface RequestedMove {
  request: MigrationRequest;
  resolved: Pick<Resolved, "chosen" | "measured">;
  /** What all hosts said about the guest. */
  sightings: readonly Sighting[];
  turn: QueueTurn;
}

/** Moves a guest while its clients watch, from before the first check until the guest answers again. */
export async function move(moving: Moving, asked: RequestedMove): Promise<MoveOutcome> {
  const beganMs = performance.now();
  // Before anything else keeps the machines busy: a clock is read as well as they answer.
  const clocks = await readClocks(moving);
  const clients = startClients(moving, asked.request.address);
  clients.catch(() => {}); // told where they are waited for
  const witness = new Witness(moving, mayUsePostcopy(moving.options));
  const sampling = startSampling(moving, asked.request.conditions.workload);
  const stop = async () => {
    await Promise.all([clients.then(stopClients, () => {}), sampling?.stop()]);
  };
  let samples: MoveOutcome["samples"];
  try {
    const outcome = await moveSeen(moving, asked, { clocks, clients, witness, sampling }, beganMs);
    // What is sampled is seen for some time yet.
    samples = outcome.samples?.finally(stop);
    return withoutAbsent({ ...outcome, samples });
  } finally {
    await Promise.all([witness.abandon(), samples ? undefined : stop()]);
  }
}

/** What sees a move, from before its first check. */
interface Watching {
  clocks: Clocks;
  clients: Promise<Clients>;
  witness: Witness;
  /** Undefined: nobody asked for it. */
  sampling: Sampling | undefined;
}

/** In every mode: checks, writes down the intent, has the mode begin, reconciles, measures. */
async function moveSeen(
  moving: Moving,
  asked: RequestedMove,
  watching: Watching,
  beganMs: number,
): Promise<MoveOutcome> {
  const { guest, source, destination, options, tell } = moving;
  const { turn, request } = asked;
  const { clocks, witness, sampling } = watching;
  const { clients, facts } = await lookAhead(moving, asked, watching);
  moving.cancelled.throwIfAborted();
  moving.assertLocked();
  tell(
    `${guest}: moving from ${source.name} to ${destination.name} (${options.mode}, ${request.conditions.memoryMiB} MiB)`,
  );

  const beforehandMs = Math.round(performance.now() - beganMs);
  const watch = new Stopwatch();
  const base: Base = {
    ...facts,
    startedAt: watch.startedAt.toISOString(),
    beforehandMs,
    ...(turn.waitedMs > 0 && { waitedMs: Math.round(turn.waitedMs) }),
  };
  // A move that could not be recorded is not begun.
  unmeasured(base, "failed", "not begun", 0);
  keepSwitchover(clients, witness);
  const onJob = sampling && ((job: JobInfo) => sampling.hears(job));
  const underway = { moving, watch, witness, shareMiBps: sharedBandwidth(moving, turn), onJob };
  const part = flows[options.mode](underway);
  const unprepared = await prepare(underway, part);
  try {
    moving.assertLocked();
    const failure = unprepared ?? (await failureOf(part.begin()));
    const settled = await reconcile(moving, (step) => part.stepped?.(step));
    const endMs = watch.nowMs();
    const over = { base, clients, clocks, sampling, settled, endMs, failure: failure ?? settled.refusal };
    return settled.hasLeft && !settled.booted
      ? await arrived(underway, part, over)
      : await notMoved(underway, over);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const where = error instanceof Unsettled && error.host !== undefined ? { host: error.host } : {};
    return { record: unmeasured(base, "failed", message, watch.nowMs()), ...where, failure: error };
  }
}

/** What a record says of a move that begins. */
type Base = Circumstances & Pick<MigrationRecord, "startedAt"> & Partial<MigrationRecord>;

/** Checks that it can move, predicts how, and has its clients ready. Throws PreflightFailed. */
async function lookAhead(
  moving: Moving,
  { request, resolved: { chosen, measured }, sightings, turn }: RequestedMove,
  watching: Watching,
) {
  const { source, destination, options } = moving;
  const circumstance = circumstances(moving, request.conditions);
  // Before others are on their way: what they send takes from what can be measured.
  const predicting = predictMove(request, options, source, measured);
  predicting.catch(() => {}); // told where it is waited for
  const checks = await preflight(
    {
      request: { ...request, options },
      source,
      destination,
      sightings,
      versions: circumstance.then((said) => said.versions),
      clocks: watching.clocks,
      incoming: movesBefore(moving.uuid, turn.entries()),
    },
    moving,
  ).finally(() => predicting);
  const [known, clients, foreseen] = await Promise.all([
    circumstance,
    watching.clients,
    predicting,
    watching.witness.begun(),
    watching.sampling && Promise.all([watching.sampling.begun(), watching.clients.then(baselineKnown)]),
  ]);
  return { clients, facts: { ...known, ...chosen, ...foreseen, preflight: checks } };
}

/** Returns why the mode could not be prepared. Throws when the intent could not be written down. */
async function prepare({ moving }: Underway, part: ModesPart): Promise<unknown> {
  // Preparing moves nothing, so it need not wait until the intent is on the disk.
  const [written, prepared] = await Promise.allSettled([moving.intent.note(), part.prepare?.()]);
  if (written.status === "rejected") throw written.reason;
  return prepared.status === "rejected" ? prepared.reason : undefined;
}

const failureOf = (deed: Promise<void>): Promise<unknown> =>
  deed.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A move that is over, and what has seen it. */
interface Over {
  base: Base;
  clients: Clients;
  clocks: Clocks;
  sampling: Sampling | undefined;
  settled: Reconciled;
  endMs: number;
  failure: unknown;
}

/** It is where it was, or was booted. */
async function notMoved(underway: Underway, over: Over): Promise<MoveOutcome> {
  const { base, settled, endMs, failure } = over;
  const { host, booted, hasLeft } = settled;
  const why = failure instanceof Error ? failure.message : "libvirt ended the move without an error";
  const error = booted ? `${why}; ${toldBoot[booted]}, it was booted anew on ${host}` : why;
  const outcome = booted ? "failed" : "rolled-back";
  const failed = { host, failure: failure ?? new Error(why) };
  // Whoever gave it up does not wait for what it was like.
  const sampling = underway.moving.cancelled.aborted ? undefined : over.sampling;
  const laid = laidOf(underway, over, booted || hasLeft ? undefined : "source");
  const record = unmeasured({ ...base, ...(await sampling?.figures(laid)) }, outcome, error, endMs);
  return { record, ...failed, ...(sampling && { samples: sampling.series(laid, record) }) };
}

/** How what was sampled is laid on the clock of a move. @param runsAt where the guest runs with the memory that it had, of its two ends */
const laidOf = (
  { watch, witness }: Underway,
  { clients, clocks, endMs }: Pick<Over, "clients" | "clocks" | "endMs">,
  runsAt: "source" | "destination" | undefined,
): Parameters<Sampling["figures"]>[0] => ({
  ...{ clocks, watch, heard: witness, runsAt, endMs },
  client: {
    latencyOfMove: () => latencyOfMove(clients, watch, endMs),
    latencySeries: () => latencySeries(clients, watch),
  },
});

/** It has moved, whatever failed on the way: what was measured. */
async function arrived(underway: Underway, part: ModesPart, over: Over): Promise<MoveOutcome> {
  const { moving, watch, witness } = underway;
  const { base, clients, sampling, settled, endMs, failure } = over;
  const { guest, options, tell } = moving;
  const again = readClocks(moving).catch(() => undefined);
  await witness.stop();
  const clocks = withDrift(over.clocks, await again);
  const measured = await part.measure(endMs, clocks);
  const laid = laidOf(underway, { clients, clocks, endMs }, "destination");
  const [seen, sampled] = await Promise.all([
    clientFigures(clients, moving, witness, clocks, watch.startedAt),
    sampling?.figures(laid),
  ]);
  // A step of this program failed and was done nevertheless: nobody saw how long it took.
  const isUnseen = measured.phases.length === 0 && (failure !== undefined || !movesRunning(options.mode));
  const record = madeRecord({
    ...base,
    ...(isUnseen ? { outcome: "recovered", error: unseen(failure) } : { outcome: "completed" }),
    storageMiB: settled.storageMiB === undefined ? undefined : rounded(settled.storageMiB),
    ...measured,
    ...seen,
    ...sampled,
  });
  if (record.faults) tell(`${guest}: what its record says cannot be right: ${record.faults.join("; ")}`);
  tell(`${guest}: runs on ${settled.host}; ${summary(record)}`);
  return {
    record,
    host: settled.host,
    ...(sampling && { samples: sampling.series(laid, record) }),
    ...(settled.undefineRefusal && { failure: settled.undefineRefusal }),
  };
}

async function readClocks({ source, destination }: Moving): Promise<Clocks> {
  const [atSource, atDestination] = await Promise.all([
    source.session.readClock(),
    destination.session.readClock(),
  ]);
  return { source: atSource, destination: atDestination };
}

const unseen = (failure: unknown): string =>
  `it moved all the same, and its phases are not known: ${failure instanceof Error ? failure.message : "a step failed, and was done"}`;

const unmeasured = (
  base: Base,
  outcome: MigrationRecord["outcome"],
  error: string,
  endMs: number,
): MigrationRecord =>
  madeRecord({ ...base, outcome, error, totalMs: Math.round(endMs), phases: [], passes: [] });

function summary({ totalMs, downtimeMs }: MigrationRecord): string {
  const total = `total ${(totalMs / 1000).toFixed(2)} s`;
  return downtimeMs === undefined ? total : `${total}, downtime ${Math.round(downtimeMs)} ms`;
}
