import type { CardFacts, DomainFacts } from "../../../libvirt/domain-facts.ts";
import type { Survey } from "../../../libvirt/survey.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import type { Definitions, PreflightCheck } from "./evidence.ts";

/** Names of bridges, and their MTU. */
type Bridges = Readonly<Record<string, number>>;

/**
 * @param others what the destination has for cards that are on no bridge: libvirt's networks, and links
 */
export function bridgeCheck(
  [source, atSource]: readonly [string, Bridges],
  [destination, atDestination]: readonly [string, Bridges],
  { interfaces }: Pick<DomainFacts, "interfaces">,
  others: Pick<Survey, "networks" | "links"> = {},
): Check {
  const checks = interfaces.flatMap((card) => {
    const { bridge, mtu } = card;
    if (bridge === undefined) return offBridgeCheck(source, destination, card, others);
    const there = atDestination[bridge];
    const here = atSource[bridge];
    if (there === undefined) {
      const has = Object.keys(atDestination).join(", ") || "none";
      return [
        failed(
          "bridge",
          `${destination} has no bridge ${bridge}, on which the guest is (it has ${has}): \`pulumi up --refresh\` makes it`,
        ),
      ];
    }
    if (mtu !== undefined && mtu > there) {
      return [
        failed(
          "bridge",
          `the guest's network card has an MTU of ${mtu}, ${bridge} on ${destination} only ${there}: raise it there (ip link set ${bridge} mtu ${mtu})`,
        ),
      ];
    }
    if (here !== undefined && there < here) {
      return [
        warned(
          "bridge",
          `${bridge} has an MTU of ${here} on ${source} and of ${there} on ${destination}: a guest that uses more than ${there} loses its large packets there`,
        ),
      ];
    }
    return [passed("bridge", `${destination} has ${bridge}, with an MTU of ${there}`)];
  });
  return (
    checks.find(({ verdict }) => verdict === "fail") ??
    checks.find(({ verdict }) => verdict === "warn") ??
    checks[0] ??
    passed("bridge", "the guest is on no bridge")
  );
}

/** A card that is on something else of its host's: nothing, if it is on nothing of it. */
function offBridgeCheck(
  source: string,
  destination: string,
  { network, link, other, mac }: CardFacts,
  { networks = [], links = [] }: Pick<Survey, "networks" | "links">,
): Check[] {
  const card = `the guest's network card${mac === undefined ? "" : ` ${mac}`}`;
  const fix = "put the card on a bridge that both hosts have, or take it off (virsh detach-interface)";
  if (other !== undefined) {
    return [
      failed(
        "bridge",
        `${card} is not on a bridge, but on ${other}, which is ${source}'s own or not known to be on ${destination}: ${fix}`,
      ),
    ];
  }
  const name = network ?? link;
  if (name === undefined) return [];
  const [what, there, make] =
    network === undefined
      ? ["network device", links, ""]
      : ["network of libvirt's", networks, `; or make one there (virsh net-define, virsh net-start ${name})`];
  return [
    there.includes(name)
      ? warned(
          "bridge",
          `${card} is not on a bridge, but on ${name}: ${destination} has a ${what} of that name, and whether it leads to the same machines was not asked`,
        )
      : failed(
          "bridge",
          `${card} is not on a bridge, but on ${name}, and ${destination} has no ${what} of that name: ${fix}${make}`,
        ),
  ];
}

/** Those that it runs with, and those of its next start. */
const cardsOf = (definitions: Definitions): CardFacts[] =>
  definitions.flatMap(({ interfaces }) => interfaces);

export const bridge: PreflightCheck = {
  asks: () => ({ source: [{ ask: "bridges" }], destination: [{ ask: "bridges" }] }),
  asksThen: (_move, definitions) => {
    const cards = cardsOf(definitions);
    const isOn = (what: "network" | "link") => cards.some((card) => card[what] !== undefined);
    return {
      destination: [
        ...(isOn("network") ? [{ ask: "networks" } as const] : []),
        ...(isOn("link") ? [{ ask: "links" } as const] : []),
      ],
    };
  },
  judge: ({ source, destination, atSource, atDestination, definitions }) =>
    bridgeCheck(
      [source.name, atSource.bridges],
      [destination.name, atDestination.bridges],
      { interfaces: cardsOf(definitions) },
      atDestination,
    ),
};
