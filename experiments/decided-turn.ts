import type { HostOutput } from "../components/outputs.ts";
import type { MeasuredLoad } from "../load/join.ts";
import type { DecidedUpdate, HostState } from "../moves/decided-update.ts";
import type { Experiment } from "./experiment.ts";
import type { Places } from "./stack-config.ts";
import type { ExperimentTestbed, Observed, Update } from "./testbed.ts";

/** Whether a host is there to be asked. */
export const isOn = (host: HostOutput | undefined): boolean =>
  host !== undefined && host.power !== "off" && host.lost !== true;

/** How busy a host is with its guests: those whose load is not known leave it unknown. */
export function hostLoad(
  uuids: readonly string[],
  { guests, hosts }: MeasuredLoad,
  host: string,
): Observed["hosts"][string] {
  const known = uuids.flatMap((uuid) => guests[uuid]?.meanCpus ?? []);
  const ownCpus = hosts[host]?.baseCpus;
  return {
    ...(known.length === uuids.length &&
      hosts[host] && { guestCpus: known.reduce((sum, cpus) => sum + cpus, 0) }),
    ...(ownCpus !== undefined && { ownCpus }),
  };
}

/** A turn in which a policy decides. */
interface DecidedTurn {
  experiment: Pick<Experiment, "hosts" | "guests" | "lose">;
  /** Where guests are when it begins, and since when they have been at work there, in ms since 1970. */
  places: Places;
  sinceMs: number;
  /** Makes the update in which the policy decides. */
  update(): Promise<Update>;
  /** Lets all work for as long as before the update. */
  settle(): Promise<void>;
}

/** Looks at the machines, lets the policy decide and do, and looks again. */
export async function makeDecided(
  testbed: ExperimentTestbed,
  { experiment, places, sinceMs, update, settle }: DecidedTurn,
): Promise<DecidedUpdate> {
  const before = await testbed.observe(sinceMs);
  const at = new Date();
  const { lose } = experiment;
  if (lose !== undefined) await testbed.cut(lose);
  const made = await update();
  const updatedMs = Date.now();
  await settle();
  const after = await testbed.observe(updatedMs);
  const happened = await testbed.happened(at);
  return decidedLine({ experiment, places, at, before, after, update: made, ...happened });
}

/** All that is known of such a turn. */
interface Known
  extends Pick<DecidedTurn, "experiment" | "places">,
    Pick<DecidedUpdate, "failovers" | "switched"> {
  at: Date;
  before: Observed;
  after: Observed;
  update: Update;
}

function decidedLine({ experiment, places, at, before, after, update, ...happened }: Known): DecidedUpdate {
  const { policy } = update;
  if (!policy) throw new Error("the update made no output `policy`, so what was decided is not known");
  const sizes = new Map(experiment.hosts?.map(({ name, cpus }) => [name, cpus]));
  const on = (some: Places, host: string) =>
    experiment.guests.flatMap(({ name }) => (some[name] === host ? [name] : []));
  const hosts = Object.entries(update.hosts).map(([name, output]) => {
    const cpus = sizes.get(name);
    const state = output.lost ? "lost" : output.power === "off" ? "off" : "on";
    const was: HostState = { state: "on", guests: on(places, name), ...before.hosts[name] };
    const is: HostState = { state, guests: on(update.places, name), ...after.hosts[name] };
    const predictedCpu = output.share?.cpu;
    return [
      name,
      {
        ...(cpus !== undefined && { cpus }),
        before: was,
        after: is,
        ...(predictedCpu !== undefined && { predictedCpu }),
      },
    ] as const;
  });
  const guests = experiment.guests.map(({ name }) => {
    const [was, is] = [before.guests[name], after.guests[name]];
    const unit = (was ?? is)?.unit;
    return [
      name,
      {
        from: places[name] as string,
        to: update.places[name] as string,
        ...(unit !== undefined && { unit }),
        ...(was && { beforePerSecond: was.perSecond }),
        ...(is && { afterPerSecond: is.perSecond }),
      },
    ] as const;
  });
  return {
    at: at.toISOString(),
    updateMs: update.updateMs,
    seconds: { before: before.seconds, after: after.seconds },
    policy: policy.kind,
    ...(policy.at !== undefined && { decision: policy.at }),
    imbalance: policy.imbalance,
    decided: policy.moves,
    left: policy.left,
    hosts: Object.fromEntries(hosts),
    guests: Object.fromEntries(guests),
    ...(policy.watts && {
      watts: { from: "declared" as const, beforeW: policy.watts.before, afterW: policy.watts.after },
    }),
    ...(experiment.lose !== undefined && { lost: { host: experiment.lose, at: at.toISOString() } }),
    ...happened,
  };
}
