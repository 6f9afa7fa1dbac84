import { createHash } from "node:crypto";
import { nth, toNetwork } from "./ipv4.ts";

/**
 * Addresses, VNC ports and MACs that the config leaves out. Each follows from its thing's own name (and the stack's)
 * and from nothing else, so that adding, removing or reordering hosts and guests never changes another's.
 *
 * A name has a number: the one it ends with (host2, vm12), or, when it ends with none or one out of range, one
 * made from its letters. Two names may get the same number: that is a mistake which the config's check reports.
 */

/** Names that end with 1 to `last` have that number; the others get one of the upper two thirds. */
function numberOf(name: string, last: number): number {
  const ending = Number(/\d+$/.exec(name)?.[0] ?? 0);
  if (ending >= 1 && ending <= last) return ending;
  const lower = Math.ceil(last / 3);
  return lower + 1 + (digest(name).readUInt32BE() % (last - lower));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

export const defaultNetwork = "10.77.0.0/24";
export const defaultStorageName = "storage";
export const defaultExport = "/export/testbed";
export const defaultPool = "testbed";
/** What libvirt calls the network on the bridge. */
export const defaultNetworkName = "testbed";
export const defaultBridge = "br0";
export const sshPort = 22;
export const defaultMemoryMiB = 1024;
export const defaultDiskGiB = 14;
/** How long a host may take to go on or off. */
export const defaultWakeSeconds = 180;

/** What is said in place of a guest's address when it is to have none from here. */
export const noAddress = "none";

/** What a guest's CPU is called, as in libvirt, where it is the best that all hosts can give. */
export const hostModel = "host-model";

/** The lab's addresses: this machine .1, storage .10, hosts .11 to .99, guests .101 to .249. */
export const labOffsets = { gateway: 1, storage: 10, host: 10, hosts: 89, guest: 100, guests: 149 } as const;
/** The smallest lab network in which those addresses exist. */
export const longestLabPrefix = 24;

export function labGateway(network: string): string {
  return nth(toNetwork(network), labOffsets.gateway);
}

export function labStorageAddress(network: string): string {
  return nth(toNetwork(network), labOffsets.storage);
}

/** host1 is .11, host2 is .12 */
export function labHostAddress(network: string, host: string): string {
  return nth(toNetwork(network), labOffsets.host + numberOf(host, labOffsets.hosts));
}

/** vm1 is .101, vm2 is .102 */
export function labGuestAddress(network: string, guest: string): string {
  return nth(toNetwork(network), labOffsets.guest + numberOf(guest, labOffsets.guests));
}

/** vm1 has 5901. A guest can go to any host, so ports are shared out among all guests. */
export function vncPort(guest: string): number {
  return 5900 + numberOf(guest, labOffsets.guests);
}

/** Of a card beside the first, which has the guest's own; no guest's name has a slash. */
export const nicMacAddress = (stack: string, guest: string, at: number): string =>
  macAddress(stack, `${guest}/${at}`);

/** In QEMU's range 52:54:00, which is locally administered; stacks on one LAN get different ones. */
export function macAddress(stack: string, guest: string): string {
  const octets = digest(`${stack}/${guest}`).subarray(0, 3).toString("hex").match(/../g) ?? [];
  return ["52", "54", "00", ...octets].join(":");
}
