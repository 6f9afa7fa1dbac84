import { isDeepStrictEqual } from "node:util";
import { ensureRunning, redefine, refuseStart, remove } from "../domain/guest.ts";
import {
  hardwareChanges,
  refuseOtherForLife,
  refuseUnlikeDefinition,
  withPlatformOf,
} from "../domain/hardware.ts";
import type { GuestRequest } from "../domain/request.ts";
import { GuestCrashed } from "../fleet/crashed.ts";
import { type Fleet, union } from "../fleet/fleet.ts";
import { lookNow, type Observation, withFleet } from "../fleet/observe.ts";
import { lookFor } from "../fleet/shared-view.ts";
import { type Whereabouts, whereabouts } from "../fleet/whereabouts.ts";
import type { DomainSpec } from "../libvirt/domain-xml.ts";
import { rememberMade } from "./just-made.ts";
import { tell } from "./screen.ts";
import { hasUnknown } from "./unknown.ts";

export type DomainInputs = GuestRequest;

/** `spec` is what it runs with. */
export interface DomainOutputs extends DomainInputs {
  /** Host on which it was booted last. */
  bootedOn: string;
  /** How often this program booted it: when it goes up, the wait for the guest begins again. */
  boots: number;
  /** As libvirt says: running, paused; "off" when no host runs it. */
  state: string;
}

/** What Pulumi asks of a Domain: it is defined once and runs; where it runs is not its business. */
export const domainResource = {
  async diff(_id: string, olds: DomainOutputs, news: DomainInputs) {
    const name = olds.spec.name;
    if (hasUnknown(news)) return { changes: true };
    refuseOtherForLife(olds.spec, news.spec);
    const replaces = olds.spec.uuid === news.spec.uuid && name === news.spec.name ? [] : ["spec"];
    const changes = restartsFor(olds, news);
    const place = await find(olds.spec, union(olds.fleet, news.fleet), changes.length > 0);
    const off = place !== "moving" && place.kind !== "active";
    const connection = !isDeepStrictEqual(olds.fleet, news.fleet);
    if (changes.length > 0) tell(`${name}: ${changes.join(", ")} changed; it will be restarted where it is`);
    else if (off) tell(`${name}: it is off; it will be started`);
    else if (place !== "moving" && place.kind === "active" && place.sighting.state === "crashed")
      tell(`warning: ${new GuestCrashed(name, place.sighting).message}`);
    else if (connection && hardwareChanges(olds.spec, news.spec).length > 0) {
      tell(
        `${name}: what all hosts can run has changed; it keeps its CPU model (${olds.spec.accelerator}, ${olds.spec.machine}) until it is started anew`,
      );
    }
    return { changes: changes.length > 0 || off || connection, replaces, deleteBeforeReplace: true };
  },

  async create(inputs: DomainInputs) {
    refuseUnlikeDefinition(inputs.spec);
    const { host, isNew } = await ensureRunning(inputs, tell);
    if (isNew) rememberMade(inputs.spec.uuid, host);
    return { id: inputs.spec.uuid, outs: { ...inputs, bootedOn: host, boots: 1, state: "running" } };
  },

  async read(id: string, state: DomainOutputs) {
    const place = await find(state.spec, state.fleet);
    // Gone from every host, and every host answered: a blank id tells Pulumi to make it again, on its old disk.
    if (place !== "moving" && place.kind === "nowhere") return { id: "", props: {} };
    if (place === "moving") return { id, props: state };
    return { id, props: { ...state, state: place.kind === "active" ? place.sighting.state : "off" } };
  },

  async update(_id: string, olds: DomainOutputs, news: DomainInputs) {
    refuseOtherForLife(olds.spec, news.spec);
    const restart = restartsFor(olds, news).length > 0;
    const running = withPlatformOf(olds.spec, news.spec);
    const everywhere = { ...news, fleet: union(olds.fleet, news.fleet) };
    const unsettled = (await lookNow(everywhere.fleet, news.spec.uuid)).intent !== undefined;
    if (unsettled && !restart) return { outs: { ...olds, ...everywhere, spec: running } };
    const { host, booted } = await (restart
      ? redefine(everywhere, olds.spec, tell)
      : ensureRunning(everywhere, tell));
    // A host that leaves the testbed is still looked at until Migration has moved the guest away from it.
    const { fleet } = host in news.fleet.hosts ? news : everywhere;
    const boots = olds.boots + (booted ? 1 : 0);
    const made = booted ? { spec: news.spec, bootedOn: host } : { spec: running, bootedOn: olds.bootedOn };
    return { outs: { ...news, ...made, fleet, boots, state: "running" } };
  },

  async delete(_id: string, state: DomainOutputs) {
    await remove(state.spec, state.fleet, tell);
  },
};

/**
 * What changed that takes a restart, in words; nothing when only the hosts' common platform did: that changes at a restart with another
 * cause.
 */
function restartsFor(olds: DomainOutputs, news: DomainInputs): string[] {
  const own = hardwareChanges(olds.spec, withPlatformOf(olds.spec, news.spec)).length > 0;
  const password = olds.vncPassword !== news.vncPassword;
  if (!own && !password) return [];
  return [...hardwareChanges(olds.spec, news.spec), ...(password ? ["VNC password"] : [])];
}

/**
 * Where it is; `moving` while a move that a dead run began waits for Migration to end it.
 *
 * @param redefines it is to be redefined, or (false) to be started if it is off: throws when that cannot be
 */
async function find(guest: DomainSpec, fleet: Fleet, redefines?: boolean): Promise<Whereabouts | "moving"> {
  const place = placeOf(guest, await lookFor(fleet, guest.uuid));
  if (place === "moving" || place.kind === "nowhere") return place;
  const isToStart = place.kind === "inactive" || redefines;
  if (redefines !== undefined && isToStart)
    await withFleet(fleet, ({ host }) => refuseStart(guest, host(place.host), redefines, tell));
  return place;
}

const placeOf = ({ name }: DomainSpec, { sightings, intent }: Observation): Whereabouts | "moving" =>
  intent ? "moving" : whereabouts(name, sightings);
