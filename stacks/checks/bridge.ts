// The bridge leads somewhere: it has an uplink other than itself, and a gateway in the guests' networks.
import { defaultBridge } from "../defaults.ts";
import { cidrOf, isHostIn, toNetwork } from "../ipv4.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { list } from "../words.ts";
import { type Draft, guestsOf } from "./draft.ts";

export function bridgeUplink({ lab, bridge }: Draft): Mistake[] {
  const path = ["bridge", "uplink"];
  if (bridge?.uplink !== undefined && bridge.uplink === (bridge.name ?? defaultBridge)) {
    return [mistake(path, `${bridge.uplink} is the bridge itself`, "give the interface that joins it")];
  }
  return lab && bridge?.uplink === "none"
    ? [mistake(path, "none would leave the lab's guests where nobody reaches them", "leave it out")]
    : [];
}

export function guestGateway(draft: Draft): Mistake[] {
  const gateway = draft.bridge?.gateway;
  if (gateway === undefined || "lab" in draft) return [];
  const networks = guestsOf(draft)
    .map(({ entry }) => entry.address ?? "")
    .filter((address) => address.includes("/"))
    .map(toNetwork);
  if (networks.length === 0 || networks.some((network) => isHostIn(network, gateway))) return [];
  const fix = `give an address in ${list([...new Set(networks.map(cidrOf))], "or")}`;
  return [mistake(["bridge", "gateway"], `${gateway} is in no guest's network`, fix)];
}
