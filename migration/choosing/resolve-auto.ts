import { dirtyRate } from "../../libvirt/dirty-rate.ts";
import { hostVersions } from "../../libvirt/versions.ts";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import { convergence } from "../../prediction/convergence.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import type { Endpoint, Moving } from "../context/moving.ts";
import { chooseMode, type ModeChoice, margin } from "./choose-mode.ts";
import { linkRate } from "./link-rate.ts";
import { guestSizes, knownTo, type Measurements, proposedOf, recentDirtyRate } from "./measurements.ts";

/** Options whose mode is decided, and how. */
export interface Resolved {
  options: Moving["options"];
  /** What a record says of that. */
  chosen: Pick<MigrationRecord, "modeReason" | "linkMiBps">;
  /** What it was decided by. Absent: it was asked for. */
  measured?: Measurements;
}

/** Decides which mode `auto` is: measures the guest and the link, and chooses. Throws when it cannot move as it should. */
export async function resolveAuto(
  request: MigrationRequest,
  source: Endpoint,
  destination: Endpoint,
  tell: Moving["tell"],
): Promise<Resolved> {
  const { guest, options } = request;
  const { mode, ...rest } = options;
  if (mode !== "auto") return { options: { ...rest, mode }, chosen: {} };
  tell(`${guest}: measuring how fast its pages get dirty, and the link to ${destination.name}`);
  const { choice, measured } = await measureAndChoose(request, source, destination, true);
  if (choice.kind === "refuse") {
    throw new Error(
      `Guest ${guest} cannot move from ${source.name} to ${destination.name} by mode auto: ${choice.reason}. Nothing was changed. ` +
        "Raise maxDowntimeMs or timeoutMs, take away its load, or choose a mode (offline pauses it as long as its memory takes).",
    );
  }
  tell(`${guest}: ${choice.reason}`);
  const { linkMiBps } = measured;
  return {
    options: choice.options,
    chosen: withoutAbsent({ modeReason: choice.reason, linkMiBps }),
    measured,
  };
}

/**
 * Measures the guest, and the link if that is wanted, and chooses by what would be predicted of each mode. A preview, which asks twice,
 * measures the guest once.
 *
 * @param asksLink whether to send something over the link, for a second; else the moves until now must do
 */
export async function measureAndChoose(
  request: MigrationRequest,
  source: Endpoint,
  destination: Endpoint,
  asksLink: boolean,
): Promise<{ choice: ModeChoice; measured: Measurements; knowsSending: boolean }> {
  const { guest, uuid, options } = request;
  const { mode: _, ...rest } = options;
  const [from, to] = await Promise.all([hostVersions(source.session), hostVersions(destination.session)]);
  // One after the other: each would take from the other what it measures.
  const dirtyMiBps = asksLink
    ? await dirtyRate(source.session, guest, uuid)
    : await recentDirtyRate(source, guest, uuid);
  const linkMiBps = asksLink
    ? await linkRate({ source, destination, options: { ...rest, mode: "live" } })
    : undefined;
  const measured = {
    guest: withoutAbsent({ dirtyMiBps, ...(await guestSizes(request, source)) }),
    linkMiBps,
  };
  const known = knownTo(request);
  const foresee = (options: Moving["options"]) =>
    convergence(proposedOf(request, source, options, measured), known, margin);
  const { knowsSending } = foresee({ ...rest, mode: "live" });
  return { choice: chooseMode(options, { from, to }, foresee), measured, knowsSending };
}
