// Addresses that are missing, or that no machine can have where it is.
import { labGateway, labOffsets, noAddress } from "../defaults.ts";
import { cidrOf, isHostIn, type Network, nth, toNetwork } from "../ipv4.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { type Draft, guestsOf, hostsOf } from "./draft.ts";
import { soundLabNetwork } from "./lab.ts";

export function machineAddresses(draft: Draft): Mistake[] {
  const machines = [
    {
      path: ["storage", "address"],
      title: "the storage host",
      address: draft.storage?.address,
      isSaid: "address" in (draft.storage ?? {}),
    },
    ...hostsOf(draft).map(({ entry, title, path }) => ({
      path: [...path, "address"],
      title,
      address: entry.address,
      isSaid: "address" in entry,
    })),
  ];
  if (!("lab" in draft)) {
    return machines
      .filter(({ isSaid }) => !isSaid)
      .map(({ path, title }) =>
        mistake(path, "is missing", `give the address that ${title} is reached at, or add testbed:lab: {}`),
      );
  }
  const network = soundLabNetwork(draft);
  if (network === undefined) return [];
  return machines.flatMap(({ path, address }) =>
    address === undefined ? [] : outside(path, address, network),
  );
}

export function guestAddresses(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry: { address, nics = [] }, path }) => {
    const cards = nics.flatMap((nic, at) =>
      nic?.address === undefined ? [] : ownGuestAddressFaults([...path, "nics", at, "address"], nic.address),
    );
    if (address === undefined || address === noAddress) return cards;
    const first =
      "lab" in draft
        ? labGuestAddressFaults([...path, "address"], address, soundLabNetwork(draft))
        : ownGuestAddressFaults([...path, "address"], address);
    return [...first, ...cards];
  });
}

function labGuestAddressFaults(path: readonly PropertyKey[], address: string, network?: string): Mistake[] {
  const [bare, prefix] = address.split("/");
  if (prefix !== undefined) return [mistake(path, `${address} has a prefix`, `give ${bare}`)];
  return network === undefined ? [] : outside(path, address, network);
}

function ownGuestAddressFaults(path: readonly PropertyKey[], address: string): Mistake[] {
  const [bare = "", prefix] = address.split("/");
  if (prefix === undefined) {
    return [mistake(path, `${bare} does not say its network`, `give it with its prefix, such as ${bare}/24`)];
  }
  const network = toNetwork(address);
  if (isHostIn(network, bare)) return [];
  const problem = `${bare} is no machine's address in ${cidrOf(network)}`;
  return [mistake(path, problem, `give one of ${range(network, 1)}`)];
}

function outside(path: readonly PropertyKey[], address: string, network: string): Mistake[] {
  const parts = toNetwork(network);
  const isAddress = /^\d+(\.\d+){3}$/.test(address);
  if (isAddress && isHostIn(parts, address) && address !== labGateway(network)) return [];
  const fix = `give one of ${range(parts, labOffsets.gateway + 1)}`;
  return [mistake(path, `${address} is not free in the lab's network ${network}`, fix)];
}

function range(network: Network, first: number): string {
  return `${nth(network, first)} to ${nth(network, network.size - 2)}`;
}
