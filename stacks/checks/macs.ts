// MAC addresses that a network card can have, and only one has.
import { macAddress, nicMacAddress } from "../defaults.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { claim, clashes } from "./clashes.ts";
import { type Draft, guestsOf, valueOr } from "./draft.ts";

export function macs(draft: Draft, stack: string): Mistake[] {
  const claims = guestsOf(draft).flatMap(({ entry, name, title, path, isFirst }) => {
    const mac = valueOr(entry, "mac", name && isFirst ? macAddress(stack, name) : undefined);
    const nics = (entry.nics ?? []).flatMap((nic, at) => {
      const own = valueOr(nic, "mac", name && isFirst ? nicMacAddress(stack, name, at) : undefined);
      return claim(own?.toLowerCase(), `${title}, card ${at + 2}`, [...path, "nics", at, "mac"]);
    });
    return [...claim(mac?.toLowerCase(), title, [...path, "mac"]), ...nics];
  });
  const unfit = claims.flatMap(({ value, path }) => {
    const fault = macFault(value);
    return fault === undefined
      ? []
      : [mistake(path, `${value} ${fault}`, "give one that begins with 52:54:00, or leave it out")];
  });
  return [...unfit, ...clashes("MAC address", claims, "give it one of its own")];
}

function macFault(mac: string): string | undefined {
  if (mac === "00:00:00:00:00:00") return "is no machine's address";
  if (mac.startsWith("fe:")) return "begins with fe, which libvirt keeps for the hosts' side";
  const isGroup = Number.parseInt(mac.slice(0, 2), 16) % 2 === 1;
  return isGroup ? "is a group's address (multicast)" : undefined;
}
