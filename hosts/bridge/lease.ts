import type { Uplink } from "./findings.ts";

/**
 * Keeps a DHCP lease: networkd asks with a number that it makes from the interface's name, and a server may have
 * another address for another number.
 */
export function leaseKeeper({ dhcpClient = "" }: Uplink): string[] {
  // RFC 4361: ff, the number (IAID) in four bytes, and the host's DUID.
  const iaid = /^ff([0-9a-f]{8})/i.exec(dhcpClient)?.[1];
  return iaid ? ["[DHCPv4]", `IAID=${Number.parseInt(iaid, 16)}`] : [];
}
