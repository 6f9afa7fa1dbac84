import { dirtyRate } from "../../libvirt/dirty-rate.ts";
import { hostVersions } from "../../libvirt/versions.ts";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { Moving, Station } from "../context/moving.ts";
import type { MigrationRequest } from "../context/request.ts";
import { type Choice, chooseMode, learn } from "./choose-mode.ts";
import { dirtyRateOfLate } from "./foresee-move.ts";
import { linkRate } from "./link-rate.ts";

/** Options whose mode is settled, and what a record says of how it was. */
export interface Resolved {
  options: Moving["options"];
  chosen: Pick<MigrationRecord, "modeReason" | "before" | "linkMiBps">;
}

/** Settles which mode `auto` is: measures the guest and the link, and chooses. Throws when it cannot move as it should. */
export async function resolveAuto(
  request: MigrationRequest,
  source: Station,
  destination: Station,
  tell: Moving["tell"],
): Promise<Resolved> {
  const { guest, options } = request;
  const { mode, ...rest } = options;
  if (mode !== "auto") return { options: { ...rest, mode }, chosen: {} };
  tell(`${guest}: measuring how fast its pages get dirty, and the link to ${destination.name}`);
  const { choice, dirtyMiBps, linkMiBps } = await measureAndChoose(request, source, destination, true);
  if (choice.kind === "refuse") {
    throw new Error(
      `Guest ${guest} cannot move from ${source.name} to ${destination.name} by mode auto: ${choice.reason}. Nothing was changed. ` +
        "Raise maxDowntimeMs, take away its load, or choose a mode (offline pauses it as long as its memory takes).",
    );
  }
  tell(`${guest}: ${choice.reason}`);
  return {
    options: choice.options,
    chosen: withoutAbsent({
      modeReason: choice.reason,
      before: dirtyMiBps === undefined ? undefined : { dirtyMiBps },
      linkMiBps,
    }) as Resolved["chosen"],
  };
}

/**
 * Measures the guest, and the link if that is wanted, and chooses. A preview, which asks twice, measures the guest once.
 *
 * @param asksLink whether to send something over the link, for a second; else what was ever sent has to do
 */
export async function measureAndChoose(
  { guest, uuid, options, conditions, history = [] }: MigrationRequest,
  source: Station,
  destination: Station,
  asksLink: boolean,
): Promise<{
  choice: Choice;
  dirtyMiBps?: number | undefined;
  linkMiBps?: number | undefined;
  knowsRate: boolean;
}> {
  const { mode: _, ...rest } = options;
  const [from, to] = await Promise.all([hostVersions(source.session), hostVersions(destination.session)]);
  // One after the other: each would take from the other what it measures.
  const dirtyMiBps = asksLink
    ? await dirtyRate(source.session, guest, uuid)
    : await dirtyRateOfLate(source, guest, uuid);
  const linkMiBps = asksLink
    ? await linkRate({ source, destination, options: { ...rest, mode: "live" } })
    : undefined;
  const known = learn(history, rest.bandwidthMiBps);
  const bandwidths = [rest.bandwidthMiBps, linkMiBps, known.bandwidthMiBps].filter(
    (rate) => rate !== undefined,
  );
  const choice = chooseMode(options, {
    ...withoutAbsent({ dirtyMiBps, deviceStateMs: known.deviceStateMs }),
    ...(bandwidths.length > 0 && { bandwidthMiBps: Math.min(...bandwidths) }),
    memoryMiB: conditions.memoryMiB,
    versions: { from, to },
  });
  return { choice, dirtyMiBps, linkMiBps, knowsRate: bandwidths.length > 0 };
}
