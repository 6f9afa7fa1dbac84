import type { CardFacts, DomainFacts } from "../../libvirt/domain-facts.ts";
import type { Survey } from "../../libvirt/survey.ts";
import { libvirtPorts } from "../../moves/options.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import type { Definitions, PreflightCheck } from "./evidence.ts";

/** @param error what SSH or libvirt said; absent: it works */
function hostToHostCheck(source: string, destination: string, error?: string): Check {
  return error === undefined
    ? passed("host to host", `${source} reaches libvirt on ${destination} over SSH`)
    : failed(
        "host to host",
        `${source} does not reach libvirt on ${destination} over SSH: ${error.replace(/\.+$/, "")}. ` +
          "Is sshd running there, and does a firewall let it in? `pulumi up --refresh` fixes keys and firewall rules",
      );
}

/** What came of listening at the destination and calling from the source, on a port of the migration's. */
export interface PortProof {
  /** Absent: none could be listened on. */
  port?: number;
  /** Absent: the call got through. */
  error?: string;
}

export function portCheck(
  source: string,
  destination: string,
  { port, error }: PortProof,
  wanted?: number,
): Check {
  const ports = wanted ?? `${libvirtPorts.first} to ${libvirtPorts.last}`;
  if (port === undefined) {
    return failed(
      "migration port",
      wanted === undefined
        ? `none of ${destination}'s TCP ports ${ports} is free: see what listens there (ss -ltnp)`
        : `${destination}'s TCP port ${wanted} (migration.port) is taken: see by what (ss -ltnp), or leave the choice to libvirt`,
    );
  }
  return error === undefined
    ? passed("migration port", `${source} reaches TCP port ${port} of ${destination} (of ${ports})`)
    : failed(
        "migration port",
        `${source} does not reach TCP port ${port} of ${destination} (${error}), where it would send the guest's memory: ` +
          `open TCP ports ${ports} there to ${source}; \`pulumi up --refresh\` does where the firewall is ufw or nftables' service`,
      );
}

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

export const hostToHost: PreflightCheck = {
  judge: ({ source, destination, hostToHostError }) =>
    hostToHostCheck(source.name, destination.name, hostToHostError),
};

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
