import { bridgeByHand } from "./bridge-by-hand.ts";
import type { BridgeFindings, TextFile, Uplink } from "./findings.ts";
import { mentions } from "./ifupdown-commands.ts";
import { leaseKeeper } from "./lease.ts";

/** Before any that a host has: networkd takes the first file that matches. */
const prefix = "/etc/systemd/network/05-kvm-migration-testbed";
const mark = "# Written by kvm-migration-testbed";

/** The files of systemd-networkd for a new bridge, beside those that the uplink has. */
export function networkdBridge({ bridge, uplink, files }: BridgeFindings): TextFile[] {
  const path = `${prefix}-${bridge}`;
  const netdev = file(`${path}.netdev`, device(bridge, uplink));
  if (!uplink) return [netdev, file(`${path}.network`, lonely(bridge))];

  const own = sections(files).map(({ name, path, lines }) => ({
    name,
    lines: lines.map((line) => moved(line, name, path, bridge, uplink.name)),
  }));
  const origin = files.map((each) => each.path).join(", ");
  return [
    netdev,
    file(`${path}-uplink.network`, port(own, bridge, uplink)),
    file(`${path}.network`, network(own, origin, bridge, uplink)),
  ];
}

const device = (bridge: string, uplink?: Uplink) => [
  `${mark}.`,
  "[NetDev]",
  `Name=${bridge}`,
  "Kind=bridge",
  // A DHCP server and the neighbours' tables know the host by it.
  ...(uplink ? [`# ${uplink.name}'s own.`, `MACAddress=${uplink.mac}`] : []),
  "[Bridge]",
  "STP=no",
  "ForwardDelaySec=0",
];

/** A bridge that no interface of the host's is in. */
const lonely = (bridge: string) => [
  `${mark}.`,
  "[Match]",
  `Name=${bridge}`,
  "[Link]",
  "RequiredForOnline=no",
  "[Network]",
  "LinkLocalAddressing=no",
  "IPv6AcceptRA=no",
  "ConfigureWithoutCarrier=yes",
];

/** The uplink keeps what is about the card. */
const port = (own: readonly Section[], bridge: string, uplink: Uplink) => [
  `${mark}.`,
  "[Match]",
  `Name=${uplink.name}`,
  ...section(
    "Link",
    linkOf(own).filter((line) => !waits(line)),
  ),
  "[Network]",
  `Bridge=${bridge}`,
  "LinkLocalAddressing=no",
  ...asTheyAre(own.filter(({ name }) => ofTheCard.test(name))),
];

/** The bridge has all else. */
const network = (own: readonly Section[], origin: string, bridge: string, uplink: Uplink) => [
  `${mark}, from ${origin}.`,
  "[Match]",
  `Name=${bridge}`,
  ...section("Link", linkOf(own).filter(waits)),
  ...asTheyAre(own.filter(({ name }) => name !== "Link" && name !== "Match" && !ofTheCard.test(name))),
  ...leaseKeeper(uplink),
];

const linkOf = (own: readonly Section[]) =>
  own.filter(({ name }) => name === "Link").flatMap(({ lines }) => lines);

/** The link's settings stay with the link; what the host waits for at boot is an address, which the bridge has. */
const waits = (line: string) => /^\s*Required(FamilyFor|For)Online\s*=/.test(line);

/** Word by word. */
const asTheyAre = (some: readonly Section[]) => some.flatMap(({ name, lines }) => [`[${name}]`, ...lines]);

/** Sections about what a card does with its queues, ports and virtual functions. */
const ofTheCard =
  /^(SR-IOV|CAN|IPoIB|QDisc|NetworkEmulator|TokenBucketFilter|PIE|FlowQueuePIE|Stochastic\w+|[BP]FIFO|PFIFO(HeadDrop|Fast)|CAKE|ControlledDelay|DeficitRoundRobin\w+|EnhancedTransmissionSelection|GenericRandomEarlyDetection|FairQueueing\w*|TrivialLinkEqualizer|HierarchyTokenBucket\w*|ClassfulMultiQueueing|BandMultiQueueing|HeavyHitterFilter|QuickFairQueueing\w*)$/;

/** A setting that is about the interface with the addresses, by its name: from now on that is the bridge. */
const followed = /^\s*(IncomingInterface|OutgoingInterface|UplinkInterface)\s*=/;
/** One that is about the card in any case. */
const stays = /^\s*(BindCarrier)\s*=/;

function moved(line: string, section: string, path: string, bridge: string, uplink: string): string {
  if (section === "Match" || /^\s*[#;]/.test(line) || stays.test(line) || !mentions(line, uplink))
    return line;
  const name = new RegExp(`(=\\s*)${uplink.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(\\s*)$`);
  if (followed.test(line) && name.test(line)) return line.replace(name, `$1${bridge}$2`);
  throw new Error(
    `${path} has the line "${line.trim()}" for ${uplink}, and whether it is about the card or about what would be ${bridge}'s cannot be told. ${bridgeByHand(bridge, uplink)}`,
  );
}

const file = (path: string, lines: readonly string[]): TextFile => ({ path, text: `${lines.join("\n")}\n` });

const section = (name: string, lines: readonly string[]) => {
  const said = lines.filter((line) => line.trim() !== "");
  return said.length > 0 ? [`[${name}]`, ...said] : [];
};

interface Section {
  name: string;
  lines: string[];
}

/** The sections of unit files in the order they stand in, with their lines. */
function sections(files: readonly TextFile[]): (Section & { path: string })[] {
  const found: (Section & { path: string })[] = [];
  for (const { path, text } of files) {
    let current: Section | undefined;
    for (const line of text.split("\n")) {
      const name = /^\s*\[(.+)\]\s*$/.exec(line)?.[1];
      if (name) {
        const next = { name, path, lines: [] };
        current = next;
        found.push(next);
      } else if (line.trim() !== "") {
        // What stands above the first section is a comment.
        current?.lines.push(line);
      }
    }
  }
  return found;
}
