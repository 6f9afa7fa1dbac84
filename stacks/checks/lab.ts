// The lab's network, and what is said beside the lab although the lab sets it.
import { defaultNetwork, longestLabPrefix } from "../defaults.ts";
import { cidrOf, isInside, toNetwork } from "../ipv4.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { type Draft, hostsOf, valueOr } from "./draft.ts";

const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(toNetwork);

export function labNetwork({ lab }: Draft): Mistake[] {
  const network = lab?.network;
  if (network === undefined) return [];
  const path = ["lab", "network"];
  const parts = toNetwork(network);
  if (cidrOf(parts) !== network) {
    return [mistake(path, `${network} is an address in a network`, `the network is ${cidrOf(parts)}`)];
  }
  if (parts.prefixLength > longestLabPrefix) {
    const wide = cidrOf(toNetwork(network.replace(/\d+$/, String(longestLabPrefix))));
    return [
      mistake(path, `${network} is too small for the lab's hosts and guests`, `give ${wide} or a larger one`),
    ];
  }
  return privateNetworks.some((outer) => isInside(parts, outer))
    ? []
    : [mistake(path, `${network} is not a private network`, "give one inside 10/8, 172.16/12 or 192.168/16")];
}

/** The lab's network, when it is one that addresses can be taken from. */
export function soundLabNetwork(draft: Draft): string | undefined {
  if (draft.lab === undefined || labNetwork(draft).length > 0) return undefined;
  return valueOr(draft.lab, "network", defaultNetwork);
}

/** What the lab decides by itself; to say it would have no effect. */
export function labSettings(draft: Draft): Mistake[] {
  const { lab, storage, ssh, bridge } = draft;
  if (lab === undefined) return labsOwn(draft);
  const said: [readonly PropertyKey[], unknown][] = [
    [["storage", "port"], storage?.port],
    [["storage", "user"], storage?.user],
    [["storage", "existing"], storage?.existing || undefined],
    ...hostsOf(draft).flatMap(({ entry, path }): [readonly PropertyKey[], unknown][] => [
      [[...path, "port"], entry.port],
      [[...path, "user"], entry.user],
      [[...path, "migrationAddress"], entry.migrationAddress],
    ]),
    [["ssh", "privateKeyFile"], ssh?.privateKeyFile],
    [["bridge", "gateway"], bridge?.gateway],
  ];
  return said.flatMap(([path, value]) =>
    value === undefined
      ? []
      : [
          mistake(
            path,
            "is for machines of your own; the lab sets it",
            "leave it out, or leave out testbed:lab",
          ),
        ],
  );
}

/** A machine has what it has; a container can be held to less, and is made with a system of one's choice. */
function labsOwn(draft: Draft): Mistake[] {
  return hostsOf(draft).flatMap(({ entry, path }) =>
    (["memoryMiB", "cpus", "release"] as const)
      .filter((key) => entry[key] !== undefined)
      .map((key) =>
        mistake(
          [...path, key],
          "is for a lab's hosts; a machine of your own has what it has",
          key === "memoryMiB" ? "leave it out; to keep memory from guests, set reserveMiB" : "leave it out",
        ),
      ),
  );
}
