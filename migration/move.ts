import { writeIntent } from "../fleet/intent.ts";
import type { Sighting } from "../libvirt/sighting.ts";
import { movesRunning } from "../moves/modes.ts";
import { mayUsePostcopy } from "../moves/options.ts";
import type { MigrationRecord } from "../moves/record.ts";
import { madeRecord } from "../moves/sound-record.ts";
import { foreseeMove } from "./choosing/foresee-move.ts";
import type { Resolved } from "./choosing/resolve-auto.ts";
import { type Clients, clientsSaw, keepSwitchover, startClients, stopClients } from "./clients/clients.ts";
import type { Moving } from "./context/moving.ts";
import type { MigrationRequest } from "./context/request.ts";
import { type Circumstances, circumstances } from "./measuring/circumstances.ts";
import { withDrift } from "./measuring/clock-drift.ts";
import { type Clocks, rounded } from "./measuring/measure.ts";
import { Stopwatch } from "./measuring/stopwatch.ts";
import { Witness } from "./measuring/witness.ts";
import { flows } from "./modes/flows.ts";
import { preflight } from "./preflight/preflight.ts";
import { aheadOf } from "./queue/admission.ts";
import { withBandwidthShare } from "./queue/bandwidth.ts";
import type { Turn } from "./queue/queue.ts";
import { toldBoot } from "./settling/perform.ts";
import { settle, Unsettled } from "./settling/settle.ts";

/** What became of a move: its record, where the guest runs if that is known, and why it is not where it should be. */
export interface Outcome {
  record: MigrationRecord;
  host?: string;
  failure?: unknown;
}

/** What a move was asked for with, and found when it had its turn. */
export interface Asked {
  request: MigrationRequest;
  chosen: Resolved["chosen"];
  /** What all hosts said about the guest. */
  sightings: readonly Sighting[];
  turn: Turn;
}

/** Moves a guest while somebody else looks on, from before the first check until the guest answers again. */
export async function move(moving: Moving, asked: Asked): Promise<Outcome> {
  const beganMs = performance.now();
  // Before anything else keeps the machines busy: a clock is read as well as they answer.
  const clocks = await readClocks(moving);
  const clients = startClients(moving, asked.request.address);
  clients.catch(() => {}); // told where they are waited for
  try {
    return await moveSeen(moving, asked, clocks, clients, beganMs);
  } finally {
    await clients.then(stopClients, () => {});
  }
}

/** Whichever mode it moves by: checks, writes down the intent, has the mode begin, settles what came of that, measures. */
async function moveSeen(
  moving: Moving,
  { request, chosen, sightings, turn }: Asked,
  clocks: Clocks,
  startingClients: Promise<Clients>,
  beganMs: number,
): Promise<Outcome> {
  const { guest, source, destination, storage, intentFile, options, tell } = moving;
  const { mode } = options;
  const circumstance = circumstances(moving, request.conditions);
  // Before others are on their way: what they send takes from what can be measured.
  const foreseeing = foreseeMove(request, options, source, { ...chosen, ...chosen.before });
  foreseeing.catch(() => {}); // told where it is waited for
  const onTheirWay = aheadOf(moving.uuid, turn.entries());
  const checks = await preflight(
    {
      request: { ...request, options },
      source,
      destination,
      sightings,
      versions: circumstance.then((said) => said.versions),
      clocks,
      onTheirWay,
    },
    moving,
  ).finally(() => foreseeing);
  const [facts, clients, foreseen] = await Promise.all([circumstance, startingClients, foreseeing]);
  moving.cancelled.throwIfAborted();
  moving.assertLocked();
  tell(
    `${guest}: moving from ${source.name} to ${destination.name} (${mode}, ${request.conditions.memoryMiB} MiB)`,
  );

  const beforehandMs = Math.round(performance.now() - beganMs);
  const watch = new Stopwatch();
  const base = {
    ...facts,
    ...chosen,
    ...foreseen,
    startedAt: watch.startedAt.toISOString(),
    preflight: checks,
    beforehandMs,
    ...(turn.waitedMs > 0 && { waitedMs: Math.round(turn.waitedMs) }),
  };
  // A move that no record could tell of is not begun.
  unmeasured(base, "failed", "not begun", 0);
  const witness = new Witness(moving, mayUsePostcopy(options));
  keepSwitchover(clients, witness);
  const part = flows[mode]({ moving, watch, witness });
  // Preparing moves nothing, so it need not wait until the intent is on the disk.
  const [written, prepared] = await Promise.allSettled([
    writeIntent(storage, intentFile, moving.intent),
    part.prepare?.(),
  ]);
  if (written.status === "rejected") {
    await witness.abandon();
    throw written.reason;
  }
  let failure: unknown;
  try {
    moving.assertLocked();
    if (prepared.status === "rejected") failure = prepared.reason;
    else {
      const isSending = () => witness.statusAt("active") !== undefined;
      await withBandwidthShare(moving, turn, isSending, () => part.begin()).catch((error: unknown) => {
        failure = error;
      });
    }
    const settled = await settle(moving, (step) => part.stepped?.(step));
    failure ??= settled.refusal;
    const endMs = watch.nowMs();
    const { host, hasLeft, booted } = settled;
    if (!hasLeft || booted) {
      await witness.abandon();
      const why = failure instanceof Error ? failure.message : "libvirt ended the move without an error";
      failure ??= new Error(why);
      const error = booted ? `${why}; ${toldBoot[booted]}, it was booted anew on ${host}` : why;
      const outcome = booted ? "failed" : "rolled-back";
      return { record: unmeasured(base, outcome, error, endMs), host, failure };
    }
    const again = readClocks(moving).catch(() => undefined);
    await witness.stop();
    const known = withDrift(clocks, await again);
    const measured = await part.measure(endMs, known);
    const seen = await clientsSaw(clients, moving, witness, known, watch.startedAt);
    // A step of this program's that failed, and was done nevertheless: how long it took, nobody saw.
    const isUnseen = measured.phases.length === 0 && (failure !== undefined || !movesRunning(mode));
    const record = madeRecord({
      ...base,
      ...(isUnseen ? { outcome: "recovered", error: unseen(failure) } : { outcome: "completed" }),
      storageMiB: moving.storageMiB === undefined ? undefined : rounded(moving.storageMiB),
      ...measured,
      ...seen,
    });
    if (record.faults) tell(`${guest}: what its record says cannot be right: ${record.faults.join("; ")}`);
    tell(`${guest}: runs on ${host}; ${summary(record)}`);
    return { record, host, ...(settled.undefineRefusal && { failure: settled.undefineRefusal }) };
  } catch (error) {
    await witness.abandon();
    const message = error instanceof Error ? error.message : String(error);
    const where = error instanceof Unsettled && error.host !== undefined ? { host: error.host } : {};
    return { record: unmeasured(base, "failed", message, watch.nowMs()), ...where, failure: error };
  }
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
  base: Circumstances & Pick<MigrationRecord, "startedAt">,
  outcome: MigrationRecord["outcome"],
  error: string,
  endMs: number,
): MigrationRecord =>
  madeRecord({ ...base, outcome, error, totalMs: Math.round(endMs), phases: [], passes: [] });

function summary({ totalMs, downtimeMs }: MigrationRecord): string {
  const total = `total ${(totalMs / 1000).toFixed(2)} s`;
  return downtimeMs === undefined ? total : `${total}, downtime ${Math.round(downtimeMs)} ms`;
}
