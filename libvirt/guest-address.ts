import type { SshSession } from "../ssh/session.ts";
import { virsh } from "./virsh.ts";

/**
 * The IPv4 address of a guest that got it by DHCP: as its agent says, or else as its host has heard of it (ARP). Absent: nobody knows.
 */
export async function guestAddress(
  session: SshSession,
  guest: string,
  uuid: string,
): Promise<string | undefined> {
  for (const source of ["agent", "arp"]) {
    const doing = `asking for the address of guest ${guest}`;
    const said = await virsh(session, doing, ["domifaddr", uuid, "--source", source], { allowFailure: true });
    const address = said.exitCode === 0 ? parseAddress(said.stdout) : undefined;
    if (address) return address;
  }
  return undefined;
}

/** Reads what `virsh domifaddr` prints: the first IPv4 address that others can reach. */
export const parseAddress = (printed: string): string | undefined =>
  [...printed.matchAll(/\sipv4\s+(\d+\.\d+\.\d+\.\d+)\//g)]
    .map(([, address]) => address)
    .find((address) => address !== undefined && !/^(127\.|169\.254\.)/.test(address));
