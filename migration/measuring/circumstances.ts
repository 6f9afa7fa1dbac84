import { hostVersions } from "../../libvirt/versions.ts";
import { withoutAbsent } from "../../libvirt/without-absent.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { Conditions } from "../context/migration-request.ts";
import type { Moving } from "../context/moving.ts";

/** What a record says other than what happened. */
export type Circumstances = Omit<MigrationRecord, "outcome" | "startedAt" | "totalMs" | "phases" | "passes">;

export async function circumstances(
  { guest, uuid, intent, source, destination }: Moving,
  conditions: Conditions,
): Promise<Circumstances> {
  const [from, to] = await Promise.all([hostVersions(source.session), hostVersions(destination.session)]);
  return withoutAbsent({
    schema: 1 as const,
    guest,
    uuid,
    from: intent.now.from,
    to: intent.now.to,
    mode: intent.now.mode,
    ...conditions,
    versions: { from, to },
  });
}
