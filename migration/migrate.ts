import { withoutAbsent } from "../libvirt/job-info.ts";
import type { Sighting } from "../libvirt/sighting.ts";
import { type HostVersions, hostVersions } from "../libvirt/versions.ts";
import { virsh } from "../libvirt/virsh.ts";
import type { MigrationRecord } from "../report/record.ts";
import { withGuest } from "./guest-lock.ts";
import { type Intent, intentPath, writeIntent } from "./intent.ts";
import { prepare, readStatistics, type Statistics, transfer } from "./live.ts";
import { type Border, type Clocks, measureLive, measureSteps } from "./measure.ts";
import type { Moving, Station } from "./moving.ts";
import type { Step } from "./next-step.ts";
import { type FleetSessions, observeGuest } from "./observe.ts";
import { save } from "./offline.ts";
import { shutDown } from "./power.ts";
import { preflight } from "./preflight/preflight.ts";
import { aheadOf } from "./queue/admission.ts";
import { withBandwidthShare } from "./queue/bandwidth.ts";
import { queued, type Turn, withTurn } from "./queue/queue.ts";
import type { MigrationRequest } from "./request.ts";
import { settle } from "./settle.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { Tell } from "./tell.ts";
import { type Whereabouts, whereabouts } from "./whereabouts.ts";
import { Witness } from "./witness.ts";

/** What became of a request. */
export interface Moved {
  /** Where the guest runs now. */
  host: string;
  /** The moves that were made, or finished for a dead run; oldest first. Empty: it was in its place already. */
  records: MigrationRecord[];
}

/** A move that did not bring the guest where it should be. The record says where it is and why. */
export class MigrationFailed extends Error {
  /** The moves that were made until then, this one last. */
  readonly records: readonly MigrationRecord[];
  /** Where the guest runs now; absent: unknown. */
  readonly host?: string;

  constructor(
    message: string,
    records: readonly MigrationRecord[],
    host: string | undefined,
    cause: unknown,
  ) {
    super(message, { cause });
    this.name = "MigrationFailed";
    this.records = records;
    this.host = host;
  }
}

const defaultTimeoutMs = 600_000;

/**
 * Makes a guest run on the host where it should be: finishes what a dead run began, finds out where it is, and moves it if it is
 * elsewhere. Asking again changes nothing.
 *
 * Throws MigrationFailed, PreflightFailed, HostUnreachable, GuestActiveTwice.
 */
export function migrate(request: MigrationRequest, tell: Tell): Promise<Moved> {
  return withGuest(request, request.fleet, tell, async (sessions) => {
    const records: MigrationRecord[] = [];
    const look = () => observeGuest(sessions, request.fleet, request.uuid);
    let { intent, sightings } = await look();
    if (intent) {
      records.push(await recover(request, intent, sessions, tell));
      ({ sightings } = await look());
    }
    const from = runningAt(request.guest, whereabouts(request.guest, sightings));
    await removeOldDefinitions(request, sightings, sessions);
    if (from === request.to) return { host: from, records };

    const { storage } = sessions;
    const { intentDirectory } = request.fleet.storage;
    return withTurn(storage, intentDirectory, queued(request, from), tell, async (turn) => {
      if (turn.waitedMs > 0) ({ sightings } = await look());
      const moving = movingOf(request, sessions, beginning(request, from), tell);
      const { record, host, failure } = await move(moving, request, sightings, turn);
      records.push(record);
      if (failure !== undefined || host !== request.to) {
        const where = host ? `it runs on ${host}` : "where it runs is not known";
        throw new MigrationFailed(
          `Moving guest ${request.guest} from ${from} to ${request.to} (${request.options.mode}) failed; ${where}. ${record.error ?? ""}`,
          records,
          host,
          failure,
        );
      }
      return { host, records };
    });
  });
}

/** Finishes or undoes a move that a dead run left behind. Returns its record. */
async function recover(
  request: Omit<MigrationRequest, "to">,
  intent: Intent,
  sessions: FleetSessions,
  tell: Tell,
): Promise<MigrationRecord> {
  refuseLostHosts(request, intent);
  tell(
    `${request.guest}: a run died while moving it from ${intent.from} to ${intent.to} (${intent.mode}); putting that right`,
  );
  const moving = movingOf(request, sessions, intent, tell);
  const watch = new Stopwatch();
  const { at, memoryLost, refusal } = await settle(moving);
  const host = moving[at].name;
  tell(`${request.guest}: it runs on ${host}`);
  return withoutAbsent({
    ...(await circumstances(moving, request)),
    // Undone, unless the dead run or this one brought it to its destination.
    outcome: at === "destination" ? "recovered" : "rolled-back",
    error: memoryLost
      ? `the run died on the way, and the guest's memory was lost; it was booted anew on ${host}`
      : `the run died on the way; the guest was found or put back on ${host}${refusal ? `, since ${refusal.message}` : ""}`,
    startedAt: intent.startedAt,
    totalMs: Math.round(watch.nowMs()),
    phases: [],
    passes: [],
  }) as MigrationRecord;
}

/** What became of a move cannot be known when one of its ends is no more in the testbed. */
function refuseLostHosts({ guest, uuid, fleet }: Omit<MigrationRequest, "to">, intent: Intent): void {
  const { from, to, mode } = intent;
  const left = [from, to].filter((host) => !(host in fleet.hosts));
  if (left.length === 0) return;
  throw new Error(
    `Guest ${guest} was on its way from ${from} to ${to} (${mode}) when a run died, and ${left.join(" and ")} has left the testbed. Nothing was changed. ` +
      "Put the host back into the stack's config and run `pulumi up`. If it is lost: end what is left of the guest on the other hosts (virsh destroy, " +
      `virsh undefine), remove ${intentPath(fleet.storage.intentDirectory, uuid)} on the storage host, and run again: the guest is then booted from its disk.`,
  );
}

/**
 * A running guest is defined where it runs and nowhere else: at the destination of a move, a definition tells that libvirt has got
 * far enough to write one.
 */
async function removeOldDefinitions(
  { guest, uuid }: MigrationRequest,
  sightings: readonly Sighting[],
  sessions: FleetSessions,
): Promise<void> {
  for (const { host, state } of sightings) {
    if (state !== "inactive") continue;
    await virsh(sessions.host(host), `removing an old definition of guest ${guest}`, ["undefine", uuid]);
  }
}

function runningAt(guest: string, place: Whereabouts): string {
  if (place.kind === "active" && place.sighting.state === "running") return place.host;
  const found =
    place.kind === "nowhere"
      ? "is defined on no host"
      : `is ${place.sighting.state} (${place.sighting.reason}) on ${place.host}`;
  throw new Error(
    `Guest ${guest} cannot be moved: it ${found}. Nothing was changed. ` +
      "Let it run (virsh resume, virsh start), or run `pulumi up` again after `pulumi refresh`: a guest that is off is then started.",
  );
}

function beginning({ guest, uuid, to, options }: MigrationRequest, from: string): Intent {
  return {
    schema: 1,
    guest,
    uuid,
    from,
    to,
    mode: options.mode,
    phase: "begun",
    startedAt: new Date().toISOString(),
  };
}

function movingOf(
  { guest, uuid, options, fleet }: Omit<MigrationRequest, "to">,
  sessions: FleetSessions,
  intent: Intent,
  tell: Tell,
): Moving {
  const station = (name: string): Station => {
    const session = sessions.host(name);
    return { name, host: fleet.hosts[name] as Station["host"], session };
  };
  return {
    guest,
    uuid,
    intent,
    intentFile: intentPath(fleet.storage.intentDirectory, uuid),
    source: station(intent.from),
    destination: station(intent.to),
    storage: sessions.storage,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    tell,
  };
}

interface Outcome {
  record: MigrationRecord;
  host?: string;
  failure?: unknown;
}

/** Where this program's own steps end a phase; the last phase ends with the move. */
const phaseEnds: Record<"offline" | "cold", Partial<Record<Step["do"], Border["phase"]>>> = {
  offline: { "copy-state": "copy" },
  cold: { undefine: "define" },
};

async function move(
  moving: Moving,
  request: MigrationRequest,
  sightings: readonly Sighting[],
  turn: Turn,
): Promise<Outcome> {
  const { guest, source, destination, storage, intentFile, tell } = moving;
  const { mode } = request.options;
  // Before anything else keeps the machines busy: a clock is read as well as they answer.
  const clocks = await readClocks(moving);
  const asked = circumstances(moving, request);
  const versions = asked.then((said) => said.versions);
  const onTheirWay = aheadOf(moving.uuid, turn.entries());
  const checks = await preflight(
    { request, source, destination, sightings, versions, clocks, onTheirWay },
    storage,
  );
  const facts = await asked;
  tell(
    `${guest}: moving from ${source.name} to ${destination.name} (${mode}, ${request.conditions.memoryMiB} MiB)`,
  );

  const watch = new Stopwatch();
  const witness = new Witness(moving);
  // Preparing moves nothing, so it need not wait until the intent is on the disk.
  const [written, prepared] = await Promise.allSettled([
    writeIntent(storage, intentFile, moving.intent),
    mode === "live" ? prepare(moving, request.options) : 0,
  ]);
  if (written.status === "rejected") {
    await witness.abandon();
    throw written.reason;
  }
  const borders: Border[] = [];
  const base = {
    ...facts,
    startedAt: watch.startedAt.toISOString(),
    preflight: checks,
    ...(turn.waitedMs > 0 && { waitedMs: Math.round(turn.waitedMs) }),
  };
  let failure: unknown;
  try {
    if (prepared.status === "rejected") failure = prepared.reason;
    else {
      await begin(moving, request, turn, witness, borders, watch).catch((error: unknown) => {
        failure = error;
      });
    }
    const settled = await settle(moving, (step) => {
      const phase = mode === "live" ? undefined : phaseEnds[mode][step.do];
      if (phase) borders.push({ phase, endMs: watch.nowMs() });
    });
    failure ??= settled.refusal;
    const endMs = watch.nowMs();
    const host = moving[settled.at].name;
    if (settled.at === "source" || settled.memoryLost) {
      await witness.abandon();
      const why = failure instanceof Error ? failure.message : "libvirt ended the move without an error";
      failure ??= new Error(why);
      const error = settled.memoryLost ? `${why}; its memory was lost, it was booted anew on ${host}` : why;
      return {
        record: unmeasured(base, settled.at === "source" ? "rolled-back" : "failed", error, endMs),
        host,
        failure,
      };
    }
    await witness.stop();
    const logEnd = prepared.status === "fulfilled" ? prepared.value : 0;
    const measured =
      mode === "live"
        ? measureLive(witness, await statistics(moving, logEnd), clocks, watch, endMs)
        : measureSteps(witness, borders, mode === "offline" ? "resume" : "start", clocks, watch, endMs);
    const record = withoutAbsent({ ...base, outcome: "completed", ...measured }) as MigrationRecord;
    tell(`${guest}: runs on ${host}; ${summary(record)}`);
    return { record, host };
  } catch (error) {
    await witness.abandon();
    const message = error instanceof Error ? error.message : String(error);
    return { record: unmeasured(base, "failed", message, watch.nowMs()), failure: error };
  }
}

/** The guest has moved, whatever becomes of the figures. */
async function statistics(moving: Moving, logEnd: number): Promise<Statistics> {
  try {
    return await readStatistics(moving, logEnd);
  } catch (error) {
    moving.tell(`${moving.guest}: the statistics of its move are lost (${(error as Error).message})`);
    return { trace: [] };
  }
}

/** The first action of a move: what `settle` cannot do by itself, since without it there is nothing to settle. */
async function begin(
  moving: Moving,
  { options }: MigrationRequest,
  turn: Turn,
  witness: Witness,
  borders: Border[],
  watch: Stopwatch,
): Promise<void> {
  const { guest: name, uuid, source } = moving;
  switch (options.mode) {
    case "live":
      return withBandwidthShare(
        moving,
        turn,
        options,
        () => witness.statusAt("active") !== undefined,
        (own) => transfer(moving, own),
      );
    case "offline":
      await save(moving);
      borders.push({ phase: "suspend", endMs: watch.nowMs() });
      return;
    case "cold":
      await shutDown(source.session, { name, uuid }, options.timeoutMs);
      borders.push({ phase: "shutdown", endMs: watch.nowMs() });
  }
}

async function readClocks({ source, destination }: Moving): Promise<Clocks> {
  const [atSource, atDestination] = await Promise.all([
    source.session.readClock(),
    destination.session.readClock(),
  ]);
  return { source: atSource, destination: atDestination };
}

type Circumstances = Omit<MigrationRecord, "outcome" | "startedAt" | "totalMs" | "phases" | "passes">;

/** What a record says besides what happened. */
async function circumstances(
  { guest, uuid, intent, source, destination }: Moving,
  { conditions }: Pick<MigrationRequest, "conditions">,
): Promise<Circumstances> {
  const [from, to]: [HostVersions, HostVersions] = await Promise.all([
    hostVersions(source.session),
    hostVersions(destination.session),
  ]);
  return withoutAbsent({
    schema: 1,
    guest,
    uuid,
    from: intent.from,
    to: intent.to,
    mode: intent.mode,
    ...conditions,
    versions: { from, to },
  }) as Circumstances;
}

const unmeasured = (
  base: Circumstances & Pick<MigrationRecord, "startedAt">,
  outcome: MigrationRecord["outcome"],
  error: string,
  endMs: number,
): MigrationRecord => ({ ...base, outcome, error, totalMs: Math.round(endMs), phases: [], passes: [] });

function summary({ totalMs, downtimeMs }: MigrationRecord): string {
  const total = `total ${(totalMs / 1000).toFixed(2)} s`;
  return downtimeMs === undefined ? total : `${total}, downtime ${Math.round(downtimeMs)} ms`;
}
