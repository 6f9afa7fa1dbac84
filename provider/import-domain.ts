import { readExistingGuest } from "../domain/existing-guest.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { type FleetReference, fleetOf } from "../fleet/fleet-page.ts";
import type { DomainInputs, DomainOutputs } from "./domain-resource.ts";

/** What Pulumi is told of a guest that is to be a Domain. */
export interface ImportedDomain {
  id: string;
  inputs: DomainInputs;
  props: DomainOutputs;
}

/** Where it is looked for, as a Domain's `fleet` says it. */
export type ImportFleet = Fleet | FleetReference;

/** Reads a guest, by its name or UUID, that was made by other means. Changes nothing. */
export async function importGuest(guest: string, fleet: ImportFleet): Promise<ImportedDomain> {
  const { spec, vncPassword, host, state } = await readExistingGuest(guest, await fleetOf(fleet));
  const inputs = { spec, ...(vncPassword !== undefined && { vncPassword }), host, fleet: fleet as Fleet };
  return { id: spec.uuid, inputs, props: { ...inputs, bootedOn: host, boots: 0, state } };
}
