import { setTimeout as sleep } from "node:timers/promises";
import type { SshSession } from "../ssh/session.ts";
import { virsh } from "./virsh.ts";

const patienceMs = 5_000;

/**
 * How fast a guest's pages get dirty, in MiB/s: QEMU looks at a sample of them twice, a second apart. What is written twice within that
 * second counts once, as it would for a migration. Absent: QEMU cannot tell.
 */
export async function dirtyRate(
  session: SshSession,
  guest: string,
  uuid: string,
): Promise<number | undefined> {
  const doing = `measuring how fast the pages of guest ${guest} get dirty`;
  const begun = await virsh(session, doing, ["domdirtyrate-calc", uuid, "--seconds", "1"], {
    allowFailure: true,
  });
  if (begun.exitCode !== 0) return undefined;
  const deadlineMs = performance.now() + patienceMs;
  while (performance.now() < deadlineMs) {
    await sleep(250);
    const { stdout } = await virsh(session, doing, ["domstats", "--dirtyrate", uuid], { allowFailure: true });
    const rate = parseDirtyRate(stdout);
    if (rate !== undefined) return rate;
  }
  return undefined;
}

/** Reads what `virsh domstats --dirtyrate` prints; undefined until it is measured (VIR_DOMAIN_DIRTYRATE_MEASURED, 2). */
export function parseDirtyRate(printed: string): number | undefined {
  const field = (name: string) => new RegExp(`^\\s*dirtyrate\\.${name}=(\\d+)$`, "m").exec(printed)?.[1];
  const rate = field("megabytes_per_second");
  return field("calc_status") === "2" && rate !== undefined ? Number(rate) : undefined;
}
