import { withFleet } from "../../fleet/observe.ts";
import { hostVersions } from "../../libvirt/versions.ts";
import { misfits, type Versions } from "../../moves/misfits.ts";
import type { MigrationRequest } from "../context/migration-request.ts";

const oldest: Versions = { from: { qemu: "0", libvirt: "0" }, to: { qemu: "0", libvirt: "0" } };

/** Asks the hosts, where that matters, whether they can move a guest with these options. Throws when one of them is too old. */
export async function refuseMisfits({
  guest,
  options,
  fleet,
}: Pick<MigrationRequest, "guest" | "options" | "fleet">): Promise<void> {
  if (misfits(options, oldest).length === 0) return;
  const lines = await withFleet(fleet, async ({ hosts }) => {
    const asked = hosts.map(async (session) => {
      const here = await hostVersions(session);
      return misfits(options, { from: here, to: here }).map(
        ({ option, problem, fix }) => `  migration.${option}: on ${session.target.name}, ${problem}; ${fix}`,
      );
    });
    return (await Promise.all(asked)).flat();
  });
  if (lines.length === 0) return;
  throw new Error(
    `Guest ${guest} cannot be moved as its config says; nothing was changed.\n${lines.join("\n")}`,
  );
}
