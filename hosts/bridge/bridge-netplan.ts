import { parse, stringify } from "yaml";
import { bridgeByHand } from "./bridge-by-hand.ts";
import type { BridgeFindings, TextFile } from "./findings.ts";
import { leaseKeeper } from "./lease.ts";

type Definition = Readonly<Record<string, unknown>>;

/** What gives an interface its addresses and routes: the bridge has it from now on. All else stays with the link. */
const addressKeys = [
  "dhcp4",
  "dhcp6",
  "dhcp-identifier",
  "dhcp4-overrides",
  "dhcp6-overrides",
  "addresses",
  "gateway4",
  "gateway6",
  "routes",
  "routing-policy",
  "nameservers",
  "accept-ra",
  "link-local",
  "ipv6-address-generation",
  "ipv6-address-token",
  "ipv6-mtu",
  "ipv6-privacy",
  "critical",
  "optional",
  "optional-addresses",
] as const;
/** What the link has by a file that names it, and keeps. */
const identityKeys = ["match", "set-name", "renderer", "macaddress"];

/**
 * netplan's file for a new bridge, beside those that the host has. The uplink's own definition stays as it is: netplan
 * joins lists of several files, so that another file could not take its addresses away. A second definition of the
 * same interface does, as networkd takes the first file that matches, in the order of the definitions' keys.
 */
export function netplanBridge({ bridge, uplink, ethernets }: BridgeFindings): TextFile[] {
  const path = `/etc/netplan/90-kvm-migration-testbed-${bridge}.yaml`;
  const common = { renderer: "networkd", parameters: { stp: false, "forward-delay": 0 } };
  if (!uplink) {
    const lonely = {
      ...common,
      dhcp4: false,
      dhcp6: false,
      "link-local": [],
      "accept-ra": false,
      optional: true,
    };
    return [{ path, text: yaml("", { bridges: { [bridge]: lonely } }) }];
  }

  const all = (parse(ethernets ?? "") ?? {}) as Record<string, Definition | null>;
  const own = all[uplink.definition ?? ""];
  if (!own) {
    throw new Error(
      `netplan says nothing of ${uplink.definition}, which configures ${uplink.name}: only an interface under "ethernets" can join a new bridge. ` +
        bridgeByHand(bridge, uplink.name),
    );
  }
  const isAddress = (key: string) => (addressKeys as readonly string[]).includes(key);
  const port = `00-kvm-migration-testbed-${bridge}`;
  const link = Object.entries(own).filter(([key]) => !isAddress(key) && !identityKeys.includes(key));
  const addresses = Object.entries(own).filter(([key]) => isAddress(key));
  const text = yaml(
    `${uplink.name} is in ${bridge}, which has its addresses from the definition "${uplink.definition}".`,
    {
      ethernets: {
        [port]: {
          match: { name: uplink.name },
          renderer: "networkd",
          ...Object.fromEntries(link),
          dhcp4: false,
          dhcp6: false,
          "link-local": [],
        },
      },
      bridges: {
        // A DHCP server and the neighbours' tables know the host by the uplink's MAC address.
        [bridge]: { ...common, interfaces: [port], macaddress: uplink.mac, ...Object.fromEntries(addresses) },
      },
    },
  );
  const lease = leaseKeeper(uplink);
  // netplan has no key for it.
  const dropIn = `/etc/systemd/network/10-netplan-${bridge}.network.d/kvm-migration-testbed.conf`;
  return [
    { path, text },
    ...(lease.length > 0
      ? [{ path: dropIn, text: `${["# Written by kvm-migration-testbed.", ...lease].join("\n")}\n` }]
      : []),
  ];
}

const yaml = (comment: string, network: object) =>
  `# Written by kvm-migration-testbed.${comment && ` ${comment}`}\n${stringify({ network: { version: 2, ...network } }, { lineWidth: 0, version: "1.1" })}`;
