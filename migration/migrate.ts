import { refuseCrashed } from "../fleet/crashed.ts";
import type { FleetHost } from "../fleet/fleet.ts";
import { type GuestSessions, withGuest } from "../fleet/guest-lock.ts";
import { type Intent, intentPath } from "../fleet/intent.ts";
import { observeGuest } from "../fleet/observe.ts";
import { clearPlace } from "../fleet/queue-place.ts";
import type { Tell } from "../fleet/tell.ts";
import { type Whereabouts, whereabouts } from "../fleet/whereabouts.ts";
import { movesRunning } from "../moves/modes.ts";
import { defaultTimeoutMs } from "../moves/options.ts";
import type { MigrationRecord } from "../moves/record.ts";
import type { MoveSamples } from "../moves/samples.ts";
import { madeRecord } from "../moves/sound-record.ts";
import { besideQueued } from "./choosing/company.ts";
import { resolveAuto } from "./choosing/resolve-auto.ts";
import { IntentRecord } from "./context/intent-record.ts";
import type { MigrationRequest } from "./context/migration-request.ts";
import { type Endpoint, endpointOf, type Moving } from "./context/moving.ts";
import { circumstances } from "./measuring/circumstances.ts";
import { Stopwatch } from "./measuring/stopwatch.ts";
import { move } from "./move.ts";
import { queued, withTurn } from "./queue/queue.ts";
import { clearLeftovers } from "./reconciling/leftovers.ts";
import { toldBoot } from "./reconciling/perform.ts";
import { type Reconciled, reconcile } from "./reconciling/reconcile.ts";

/** What became of a request. */
export interface Moved {
  /** Where the guest runs now. */
  host: string;
  /** The moves that were made, or finished for a dead run; oldest first. Empty: it was in its place already. */
  records: MigrationRecord[];
  /** The series of a move that was sampled, known some seconds after it: to be waited for once the records are kept. Absent: none was. */
  samples?: Promise<MoveSamples | undefined>;
}

/** A move that did not bring the guest where it should be. The record says where it is and why. */
export class MigrationFailed extends Error {
  /** The moves that were made until then, this one last. */
  readonly records: readonly MigrationRecord[];
  /** Where the guest runs now; absent: unknown. */
  readonly host?: string;
  /** The series of the last move, as those of a move that was made. */
  readonly samples?: Moved["samples"];

  constructor(
    message: string,
    records: readonly MigrationRecord[],
    host: string | undefined,
    cause: unknown,
    samples?: Moved["samples"],
  ) {
    super(message, { cause });
    this.name = "MigrationFailed";
    this.records = records;
    this.host = host;
    this.samples = samples;
  }
}

/**
 * Makes a guest run on the host where it should be: finishes what a dead run began, finds out where it is, and moves it if it is
 * elsewhere. Asking again changes nothing.
 *
 * @param cancelled once it aborts nothing new is begun, and a move under way is undone as long as it can be
 *
 * Throws MigrationFailed, PreflightFailed, HostUnreachable, GuestActiveTwice, GuestCrashed.
 */
export async function migrate(
  request: MigrationRequest,
  tell: Tell,
  cancelled: AbortSignal = new AbortController().signal,
): Promise<Moved> {
  const records: MigrationRecord[] = [];
  const use = async (sessions: GuestSessions): Promise<Moved> => {
    const look = () => observeGuest(sessions, request.fleet, request.uuid);
    let { intent, sightings } = await look();
    if (intent) {
      records.push(await recover(request, intent, sessions, tell, cancelled));
      ({ sightings } = await look());
    }
    const from = runningAt(request.guest, whereabouts(request.guest, sightings));
    // A move of a guest that is off defines it there anyway. For a running guest, a definition tells that all of its memory has come.
    const { mode } = request.options;
    const mayKeep = mode !== "auto" && !movesRunning(mode) && from !== request.to ? request.to : undefined;
    await clearLeftovers(request, sightings, sessions, tell, mayKeep);
    if (from === request.to) return { host: from, records };

    const { storage } = sessions;
    const { intentDirectory } = request.fleet.storage;
    return withTurn(storage, intentDirectory, queued(request, from), tell, cancelled, async (turn) => {
      if (turn.waitedMs > 0) ({ sightings } = await look());
      const [source, destination] = [from, request.to].map((name) =>
        endpointOf(request.fleet, sessions, name),
      );
      const beside = besideQueued(request, turn.entries());
      const resolved = await resolveAuto(beside, source as Endpoint, destination as Endpoint, tell);
      const { options } = resolved;
      const moving = movingOf(
        request,
        options,
        sessions,
        beginning(request, from, options.mode),
        tell,
        cancelled,
      );
      const { record, host, failure, samples } = await move(moving, {
        request: beside,
        resolved,
        sightings,
        turn,
      });
      records.push(record);
      if (failure !== undefined || host !== request.to) {
        const where = host ? `it runs on ${host}` : "where it runs is not known";
        const why = record.error ?? (failure instanceof Error ? failure.message : "");
        throw new MigrationFailed(
          `Moving guest ${request.guest} from ${from} to ${request.to} (${options.mode}) failed; ${where}. ${why}`,
          records,
          host,
          failure,
          samples,
        );
      }
      return { host, records, ...(samples && { samples }) };
    });
  };
  try {
    return await withGuest(request, request.fleet, tell, use, cancelled);
  } catch (error) {
    if (error instanceof MigrationFailed || (records.length === 0 && error !== cancelled.reason)) throw error;
    const { message } = error as Error;
    const why = error === cancelled.reason ? `Guest ${request.guest} was not moved: ${message}.` : message;
    throw new MigrationFailed(why, records, undefined, error);
  }
}

/** Finishes or undoes a move that a dead run left behind. Returns its record. */
async function recover(
  request: Omit<MigrationRequest, "to">,
  intent: Intent,
  sessions: GuestSessions,
  tell: Tell,
  cancelled: AbortSignal,
): Promise<MigrationRecord> {
  refuseLostHosts(request, intent);
  tell(
    `${request.guest}: a run died while moving it from ${intent.from} to ${intent.to} (${intent.mode}); putting that right`,
  );
  const options = { ...request.options, mode: intent.mode };
  const moving = { ...movingOf(request, options, sessions, intent, tell, cancelled), isLeft: true };
  const watch = new Stopwatch();
  await clearPlace(sessions.storage, request.fleet.storage.intentDirectory, request.uuid);
  const { host, booted, refusal } = await reconcile(moving);
  tell(`${request.guest}: it runs on ${host}`);
  const wasBrought = ![intent.from, intent.to].includes(host);
  return madeRecord({
    ...(await circumstances(moving, request.conditions)),
    // Undone, unless the dead run or this one brought it to its destination.
    outcome: booted || wasBrought ? "failed" : host === intent.to ? "recovered" : "rolled-back",
    error: recoveredHow(host, wasBrought, booted, refusal),
    startedAt: intent.startedAt,
    totalMs: Math.round(watch.nowMs()),
    phases: [],
    passes: [],
  });
}

function recoveredHow(
  host: string,
  wasBrought: boolean,
  booted: Reconciled["booted"],
  refusal: Error | undefined,
): string {
  if (booted) return `the run died on the way, and ${toldBoot[booted]}; the guest was booted anew on ${host}`;
  if (wasBrought) return `the run died on the way; someone has brought the guest to ${host} since`;
  return `the run died on the way; the guest was found or put back on ${host}${refusal ? `, since ${refusal.message}` : ""}`;
}

/** What became of a move cannot be known when an endpoint is no longer in the testbed. */
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

function runningAt(guest: string, place: Whereabouts): string {
  if (place.kind === "active") refuseCrashed(guest, place.sighting);
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

function beginning({ guest, uuid, to }: MigrationRequest, from: string, mode: Intent["mode"]): Intent {
  return {
    schema: 1,
    guest,
    uuid,
    from,
    to,
    mode,
    phase: "begun",
    startedAt: new Date().toISOString(),
  };
}

function movingOf(
  request: Pick<MigrationRequest, "guest" | "uuid" | "fleet" | "localOverlay">,
  options: Moving["options"],
  sessions: GuestSessions,
  intent: Intent,
  tell: Tell,
  cancelled: AbortSignal,
): Moving {
  const { guest, uuid, fleet, localOverlay } = request;
  const isOther = ([name, { ssh }]: [string, FleetHost]) =>
    ![intent.from, intent.to].includes(name) && sessions.hosts.some(({ target }) => target.name === ssh.name);
  const others = Object.entries(fleet.hosts).filter(isOther);
  return {
    ...(localOverlay && { localOverlay }),
    guest,
    uuid,
    intent: new IntentRecord(sessions.storage, intentPath(fleet.storage.intentDirectory, uuid), intent),
    source: endpointOf(fleet, sessions, intent.from),
    destination: endpointOf(fleet, sessions, intent.to),
    others: others.map(([name]) => endpointOf(fleet, sessions, name)),
    isLeft: false,
    storage: sessions.storage,
    options,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    cancelled,
    assertLocked: sessions.assertLocked,
    tell,
  };
}
