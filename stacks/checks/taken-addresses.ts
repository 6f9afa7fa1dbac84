// No two machines have one address, those that follow from names included.
import { labGuestAddress, labHostAddress, labStorageAddress, noAddress, sshPort } from "../defaults.ts";
import type { Mistake } from "../mistake.ts";
import { claim, clashes } from "./clashes.ts";
import { type Draft, guestsOf, hostsOf, valueOr } from "./draft.ts";
import { soundLabNetwork } from "./lab.ts";

/** Behind one address with several forwarded ports there are several machines. */
function endpoint(address: string | undefined, port = sshPort): string | undefined {
  return address === undefined || port === sshPort ? address : `${address}:${port}`;
}

export function takenAddresses(draft: Draft): Mistake[] {
  const { storage } = draft;
  const network = soundLabNetwork(draft);
  const byName = (address: typeof labHostAddress, { name, isFirst }: { name?: string; isFirst: boolean }) =>
    network && name && isFirst ? address(network, name) : undefined;

  const storageAddress = valueOr(storage, "address", network && labStorageAddress(network));
  const claims = [
    claim(endpoint(storageAddress, storage?.port), "the storage host", ["storage", "address"]),
    ...hostsOf(draft).flatMap((host) => {
      const address = valueOr(host.entry, "address", byName(labHostAddress, host));
      const isByName = !("address" in host.entry);
      return claim(endpoint(address, host.entry.port), host.title, [...host.path, "address"], isByName);
    }),
    ...guestsOf(draft).flatMap((guest) => {
      const address = valueOr(guest.entry, "address", byName(labGuestAddress, guest))?.split("/")[0];
      const isByName = !("address" in guest.entry);
      return [
        ...(address === noAddress ? [] : claim(address, guest.title, [...guest.path, "address"], isByName)),
        ...(guest.entry.nics ?? []).flatMap((nic, at) =>
          claim(nic?.address?.split("/")[0], guest.title, [...guest.path, "nics", at, "address"]),
        ),
      ];
    }),
  ].flat();
  const migration = hostsOf(draft).flatMap(({ entry, title, path }) => {
    // Hosts that only a port tells apart cannot reach each other at that address.
    const address = valueOr(entry, "migrationAddress", entry.port === undefined ? undefined : entry.address);
    return claim(address, title, [...path, "migrationAddress"]);
  });
  return [
    ...clashes("address", claims, "give it an address of its own"),
    ...clashes("migration address", migration, "give each host the address that the other hosts reach it at"),
  ];
}
