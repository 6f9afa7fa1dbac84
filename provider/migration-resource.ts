import { isDeepStrictEqual } from "node:util";
import { union } from "../fleet/fleet.ts";
import { type GuestSessions, withGuest } from "../fleet/guest-lock.ts";
import { isRememberedOff } from "../fleet/host-off.ts";
import { lookNow, type Observation, observeGuest } from "../fleet/observe.ts";
import type { LocalOverlay } from "../fleet/overlay.ts";
import { lookAfresh, lookFor } from "../fleet/shared-view.ts";
import { whereabouts } from "../fleet/whereabouts.ts";
import { expectationOf } from "../migration/choosing/expectation.ts";
import { refuseMisfits } from "../migration/choosing/refuse-misfits.ts";
import type { MigrationRequest } from "../migration/context/migration-request.ts";
import { MigrationFailed, type Moved, migrate } from "../migration/migrate.ts";
import { previewMove } from "../migration/preflight/preview.ts";
import { changesOf, clearLeftovers, leftoversOf } from "../migration/reconciling/leftovers.ts";
import { metricsFile, writeMetrics } from "../moves/metrics.ts";
import type { Drift } from "../moves/options.ts";
import { identityOf, type MigrationRecord } from "../moves/record.ts";
import { appendRecord, latestRecords, resultsFile } from "../moves/results.ts";
import { keepSamples, samplesFileOf } from "../moves/samples-file.ts";
import { breachesOf, breachText, type Slo } from "../moves/slo.ts";
import { isSound } from "../moves/sound-record.ts";
import { reasonText } from "../placement/terms/reason.ts";
import { cancellation } from "./cancellation.ts";
import { type Decision, decideMove } from "./decide-move.ts";
import { takeMade } from "./just-made.ts";
import { screenOf, tell } from "./screen.ts";
import { hasUnknown } from "./unknown.ts";

export interface MigrationInputs extends Omit<MigrationRequest, "localOverlay"> {
  /** Its overlay, where that is on the host where it runs. Absent: on shared storage. */
  redo?: LocalOverlay;
  /** What to do about a guest that someone moved by hand. */
  drift: Drift;
  /** Hosts on which no guest should run. */
  drained?: readonly string[];
  /** Why it should run on `to`, when that is not where it is placed: "host2 is drained". */
  reason?: string;
  /** Guests whose moves are over before this one begins: those of the same phase that free its room. */
  after?: readonly string[];
  /** When its policy decided that it runs there. */
  decision?: string;
  /** What a move may cost. */
  slo?: Slo;
  /** The stack whose results file keeps the records. */
  stack: string;
  /** The resource's URN, in whose row progress is shown. Absent: an earlier version declared it. */
  row?: string;
}

export interface MigrationOutputs extends MigrationInputs {
  /** Where the guest runs, as last seen. */
  host: string;
  /** Where the last successful run left it, and what the config said then: what tells a request from a drift. */
  placed: string;
  applied: string;
  /** Completed moves. */
  moves: number;
  /** Newest first, at most `historyLength`. */
  history: MigrationRecord[];
}

/** All records are in the results file; the state keeps the latest. */
const historyLength = 50;

/** What Pulumi asks of a Migration: the guest runs where the stack's config says. */
export const migrationResource = {
  async diff(_id: string, olds: MigrationOutputs, news: MigrationInputs) {
    if (hasUnknown(news)) return { changes: true };
    const { intent, sightings } = await lookFor(everywhere(olds, news).fleet, news.uuid);
    if (intent) {
      tell(
        `${news.guest}: its move from ${intent.from} to ${intent.to} (${intent.mode}) was cut short and will be put right`,
      );
      return { changes: true };
    }
    const place = whereabouts(news.guest, sightings);
    // A guest that is off is Domain's business, in the same run before this one.
    const decision = place.kind === "nowhere" ? undefined : decide(olds, news, place.host);
    if (decision?.kind === "refuse") throw new Error(decision.message);
    const moves = decision?.kind === "move" && place.kind === "active";
    // One that is to be switched on before the move can't be asked yet.
    const isAsked = moves && !isRememberedOff(news.fleet.storage, news.to);
    const known = isAsked ? await recordsOf(news.stack, olds.history) : [];
    const request = { ...requestOf(everywhere(olds, news)), history: olds.history, known };
    const expected = isAsked ? await expectationOf(request, place.host) : undefined;
    if (expected && place.kind === "active") refuseBreach(news, place.host, expected.predicted);
    const foretold = isAsked ? expected?.text : `${news.to} is off, and is asked once it is on`;
    const amends = changesOf(leftoversOf(sightings));
    if (amends) tell(`${news.guest}: ${amends}`);
    if (decision) announce(decision, news, foretold);
    const settings = !isDeepStrictEqual(stored(olds), stored(news));
    if (settings) await refuseMisfits(news);
    if (isAsked) await previewMove(request, place.host, sightings, tell, news.after);
    const replaces = olds.uuid === news.uuid ? [] : ["uuid"];
    const isInPlace = decision === undefined || decision.kind === "stay";
    return { changes: settings || !isInPlace || amends !== undefined, replaces };
  },

  async create(inputs: MigrationInputs) {
    const id = inputs.uuid;
    await refuseMisfits(inputs);
    const past = { moves: 0, history: [] };
    const isThere = await isInOrder(inputs);
    const moved = isThere
      ? { host: inputs.to, records: [] }
      : await attempt(id, inputs, { ...past, host: inputs.to });
    return { id, outs: outputs(inputs, moved, past, moved.host) };
  },

  async read(id: string, state: MigrationOutputs) {
    const { intent, sightings } = await lookFor(state.fleet, state.uuid);
    // In the middle of a move there may be a copy at both endpoints; the next update ends it.
    if (intent) return { id, props: state };
    const place = whereabouts(state.guest, sightings);
    const host = place.kind === "nowhere" ? "" : place.host;
    if (host !== state.host) tell(`${state.guest}: found on ${host || "no host"}, was on ${state.host}`);
    return { id, props: { ...state, host } };
  },

  async update(id: string, olds: MigrationOutputs, news: MigrationInputs) {
    const inputs = everywhere(olds, news);
    if (adoptedAt(olds, news, await lookNow(inputs.fleet, inputs.uuid)) !== undefined) {
      // The provider of an update that was killed may have brought it there, and may still be at work on it.
      const host = await adoptAlone(olds, news, inputs);
      if (host !== undefined) return { outs: outputs(news, { host, records: [] }, olds, host) };
    }
    const moved = await attempt(id, inputs, olds);
    return { outs: outputs(news, moved, olds, moved.host) };
  },

  /** A guest is removed by its Domain; where it ran is nothing that could be removed. */
  async delete() {},
};

/** Whether the guest runs where it should, and nothing of it is elsewhere; an overlay could be. */
async function isInOrder({ fleet, uuid, to, redo }: MigrationInputs): Promise<boolean> {
  const isMadeThere = takeMade(uuid) === to;
  if (redo) return false;
  if (isMadeThere) return true;
  const { intent, sightings } = await (await lookAfresh(fleet)).guest(uuid);
  const leftovers = intent ? undefined : leftoversOf(sightings);
  return leftovers?.runsOn === to && changesOf(leftovers) === undefined;
}

/** The guest may still be on a host that has left the config, which is then where it moves from. */
const everywhere = (olds: MigrationOutputs, news: MigrationInputs): MigrationInputs => ({
  ...news,
  fleet: union(olds.fleet, news.fleet),
});

/** What the engine is asked, in its own words: states call a local overlay `redo`. */
export const requestOf = ({ redo, ...inputs }: MigrationInputs): MigrationRequest => ({
  ...inputs,
  localOverlay: redo,
});

/** Looks again when no other run works on the guest; removes what a move by hand left of a guest that stays. */
const adoptAlone = (
  olds: MigrationOutputs,
  news: MigrationInputs,
  inputs: MigrationInputs,
): Promise<string | undefined> => {
  const tellInRow = screenOf(inputs.row);
  const adopt = async (sessions: GuestSessions) => {
    const observation = await observeGuest(sessions, inputs.fleet, inputs.uuid);
    const host = adoptedAt(olds, news, observation);
    if (host !== undefined)
      await clearLeftovers(requestOf(inputs), observation.sightings, sessions, tellInRow);
    return host;
  };
  return withGuest(inputs, inputs.fleet, tellInRow, adopt, cancellation);
};

/** Where the guest stays without a move, although the state has not been told so yet. Throws when its place is not to be changed. */
function adoptedAt(
  olds: MigrationOutputs,
  news: MigrationInputs,
  { intent, sightings }: Observation,
): string | undefined {
  const place = whereabouts(news.guest, intent ? [] : sightings);
  if (place.kind !== "active") return undefined;
  const decision = decide(olds, news, place.host);
  if (decision.kind === "refuse") throw new Error(decision.message);
  const adopted = decision.kind === "adopt" || (decision.kind === "stay" && olds.placed !== news.to);
  return adopted ? place.host : undefined;
}

const decide = (olds: MigrationOutputs, news: MigrationInputs, actual: string): Decision =>
  decideMove({
    guest: news.guest,
    desired: news.to,
    actual,
    applied: olds.applied,
    placed: olds.placed,
    drift: news.drift,
    drained: news.drained,
  });

function announce(decision: Decision, news: MigrationInputs, expected?: string): void {
  const { guest, options, conditions, drained = [] } = news;
  if (decision.kind === "adopt") tell(`${guest}: was moved to ${decision.host} by hand and stays there`);
  if (decision.kind !== "move") return;
  const { from, to } = decision;
  const why = decision.why === "returned" ? "was moved by hand; moves back" : "moves";
  const reason =
    news.reason ?? (drained.includes(from) ? reasonText({ kind: "drained", host: from }) : undefined);
  tell(
    `${guest}: ${why} ${from} → ${to}, ${options.mode}, ${conditions.memoryMiB} MiB of memory${reason ? ` (${reason})` : ""}${expected ? `: ${expected}` : ""}`,
  );
}

/** @throws Error when a move is predicted to cost more than it may */
function refuseBreach({ guest, to, slo }: MigrationInputs, from: string, predicted: Figures) {
  const breaches = breachesOf(predicted, slo ?? {});
  if (breaches.length === 0) return;
  throw new Error(
    `The move of guest ${guest} from ${from} to ${to} is predicted to take ${breachText(breaches)}. Nothing was changed. ` +
      "Raise the limit, give the guest another migration.mode (npm run plan and docs/modes.md compare them), or leave it where it is.",
  );
}

type Figures = Parameters<typeof breachesOf>[0];

/** Settings that a later run needs from the state, other than where the guest is. */
const stored = ({ to, options, conditions, fleet, drift, slo, stack }: MigrationInputs) => ({
  to,
  options,
  conditions,
  fleet,
  drift,
  slo,
  stack,
});

type Past = Pick<MigrationOutputs, "moves" | "history">;

const outputs = (inputs: MigrationInputs, moved: Moved, past: Past, placed: string): MigrationOutputs => ({
  ...inputs,
  host: moved.host,
  placed,
  applied: inputs.to,
  ...remember(past, moved.records),
});

const remember = ({ moves, history }: Past, records: readonly MigrationRecord[]): Past => ({
  moves: moves + records.filter(({ outcome }) => outcome === "completed" || outcome === "recovered").length,
  history: [...records.toReversed().filter(isSound), ...history].slice(0, historyLength),
});

/** A failure that leaves its traces in Pulumi's state: it carries what @pulumi/pulumi's dynamic provider looks for. */
class InitFailed extends Error {
  readonly id: string;
  readonly properties: object;
  readonly reasons: string[];

  constructor(message: string, id: string, properties: object, cause: unknown) {
    super(message, { cause });
    this.id = id;
    this.properties = properties;
    this.reasons = [message];
  }
}

/** Migrates, and keeps the records of what was done even when it ends in an error. */
async function attempt(
  id: string,
  inputs: MigrationInputs,
  past: Past & Pick<MigrationOutputs, "host"> & Partial<MigrationOutputs>,
): Promise<Moved> {
  /** Of the moves that were made: nothing waits for them until the records are kept. */
  const series: Moved["samples"][] = [];
  const moved = await moveAsAsked();
  const unkept = await keep(inputs.stack, moved.records);
  if (unkept) {
    // Done is done: the state says so, and the next update moves nothing.
    const state = outputs(inputs, moved, past, moved.host);
    throw new InitFailed(
      `Guest ${inputs.guest} runs on ${moved.host}. ${unkept.message}`,
      id,
      state,
      unkept.cause,
    );
  }
  await keepSeries(inputs, series);
  return moved;

  async function moveAsAsked(): Promise<Moved> {
    /** Of a move that was made, if moving back fails. */
    const done: MigrationRecord[] = [];
    try {
      const known = await recordsOf(inputs.stack, past.history);
      const request = { ...requestOf(inputs), history: past.history.filter(isSound), known };
      const tellInRow = screenOf(inputs.row);
      const { host, records, samples } = await migrate(request, tellInRow, cancellation);
      series.push(samples);
      const kept = records.map(withWhy);
      const last = kept.at(-1);
      const breaches = last?.outcome === "completed" ? breachesOf(last, inputs.slo ?? {}) : [];
      if (last === undefined || breaches.length === 0) return { host, records: kept };
      const isToReturn = inputs.slo?.onBreach === "return";
      tellInRow(
        `${inputs.guest}: its move took ${breachText(breaches)}${isToReturn ? "; moving it back" : ""}`,
      );
      if (!isToReturn) return { host, records: kept };
      done.push(...kept);
      const back = await migrate({ ...request, to: last.from }, tellInRow, cancellation);
      series.push(back.samples);
      const reason = `its move to ${last.to} took more than it may`;
      return {
        host: back.host,
        records: [...kept, ...back.records.map((record) => ({ ...record, reason }))],
      };
    } catch (error) {
      if (!(error instanceof MigrationFailed)) throw error;
      const records = [...done, ...error.records.map(withWhy)];
      const unkept = await keep(inputs.stack, records);
      await keepSeries(inputs, [...series, error.samples]);
      const message = unkept ? `${error.message} ${unkept.message}` : error.message;
      const state = { ...past, ...inputs, host: error.host ?? past.host, ...remember(past, records) };
      throw new InitFailed(message, id, state, error);
    }
  }

  /** One that another run began had reasons of its own. */
  function withWhy(record: MigrationRecord): MigrationRecord {
    const { reason, decision, to, slo } = inputs;
    if (record.to !== to || record.outcome === "recovered") return record;
    const { onBreach: _, ...limits } = slo ?? { onBreach: "record" };
    return {
      ...record,
      ...(reason && { reason, ...(decision && { decision }) }),
      ...(slo && { slo: { ...limits, isBroken: breachesOf(record, limits).length > 0 } }),
    };
  }
}

/** All moves of a stack that are known here: of its results file, and of the guest's own in the state. */
async function recordsOf(stack: string, history: readonly MigrationRecord[]): Promise<MigrationRecord[]> {
  // An older version of this program may have put into the state what does not fit.
  const all = [...history.filter(isSound), ...(await latestRecords(resultsFile(stack)))];
  const unique = new Map(all.map((record) => [identityOf(record), record]));
  return [...unique.values()].sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1));
}

/**
 * Puts records into the stack's results file.
 *
 * @returns an error that says which of them are not there, and why
 */
async function keep(stack: string, records: readonly MigrationRecord[]): Promise<Error | undefined> {
  const file = resultsFile(stack);
  const failures: unknown[] = [];
  for (const record of records) {
    await appendRecord(file, record).catch((error: unknown) => failures.push(error));
  }
  // They follow from the records, and are made anew with the next one.
  if (records.length > 0)
    await writeMetrics(stack).catch((error: Error) =>
      console.warn(`${metricsFile(stack)} could not be written: ${error.message}`),
    );
  if (failures.length === 0) return undefined;
  const reasons = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  return new Error(
    `What its move took is not in ${file}: ${reasons.join("; ")}. Fix that, or report it if it is this program's; then run \`pulumi up\`, which moves nothing that is in its place`,
    { cause: failures[0] },
  );
}

/** Keeps what was sampled of moves whose records are kept. Without it they are complete: a failure is said, and fails nothing. */
async function keepSeries(
  { guest, stack }: MigrationInputs,
  series: readonly Moved["samples"][],
): Promise<void> {
  for (const sampled of series) {
    const samples = await sampled;
    if (samples)
      await keepSamples(stack, samples).catch((error: Error) =>
        console.warn(
          `${guest}: the series of its move are not in ${samplesFileOf(resultsFile(stack))}: ${error.message}`,
        ),
      );
  }
}
