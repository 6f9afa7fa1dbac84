import type { DiskFacts, DomainFacts } from "../../../libvirt/domain-facts.ts";
import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** QEMU's cache modes that leave nothing in the source's page cache of what the guest was told is written. */
const safeModes = ["none", "directsync"];

function cacheCheck({ disks: all }: DomainFacts, movesAlong?: string): Check {
  // QEMU itself copies what moves along, from whichever cache.
  const disks = all.filter(({ path }) => path === undefined || path !== movesAlong);
  const unsafe = disks.filter((disk) => !disk.isReadOnly && !safeModes.includes(disk.cache));
  const said = (some: readonly DiskFacts[]) => some.map((disk) => `${disk.target} ${disk.cache}`).join(", ");
  return unsafe.length === 0
    ? passed("cache mode", `safe for a running guest: ${said(disks) || "no disk"}`)
    : failed(
        "cache mode",
        `${said(unsafe)}: the destination would not see what the source's page cache still has. ` +
          "Shut the guest down and run `pulumi up`, which starts it with cache=none; or move it cold (migration.mode)",
      );
}

export const cacheMode: PreflightCheck = {
  lasts: true,
  judge: ({ request, demands, domain }) =>
    demands.copiesRunningMemory ? cacheCheck(domain, request.localOverlay?.path) : undefined,
};
