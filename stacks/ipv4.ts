/** An IPv4 network in CIDR notation, taken apart. */
export interface Network {
  /** Its first address, as a number. */
  first: number;
  prefixLength: number;
  /** How many addresses it spans, the network's own and the broadcast address included. */
  size: number;
}

/** "10.77.0.1" to its 32 bits as a number. The text is an IPv4 address already. */
function toNumber(address: string): number {
  return address.split(".").reduce((bits, octet) => bits * 256 + Number(octet), 0);
}

function toAddress(bits: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(bits / 2 ** shift) % 256).join(".");
}

/** "10.77.0.0/24"; an address inside the network will do as well as its first one. */
export function toNetwork(cidr: string): Network {
  const [address = "", length] = cidr.split("/");
  const prefixLength = Number(length);
  const size = 2 ** (32 - prefixLength);
  return { first: Math.floor(toNumber(address) / size) * size, prefixLength, size };
}

export function cidrOf({ first, prefixLength }: Network): string {
  return `${toAddress(first)}/${prefixLength}`;
}

/** Whether a machine can have this address: inside, and neither the network's own nor the broadcast address. */
export function isHostIn(network: Network, address: string): boolean {
  const offset = toNumber(address) - network.first;
  return offset > 0 && offset < network.size - 1;
}

/** Whether one network lies wholly inside another. */
export function isInside(inner: Network, outer: Network): boolean {
  return inner.first >= outer.first && inner.first + inner.size <= outer.first + outer.size;
}

/** The address that many steps into the network. */
export function nth(network: Network, offset: number): string {
  return toAddress(network.first + offset);
}
