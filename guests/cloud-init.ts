import { parse, stringify } from "yaml";
import { type Workload, workloadFiles, workloadUnit } from "./workload.ts";

/** An address that a guest has for good. */
interface StaticAddress {
  /** IPv4 with its prefix length: `10.77.0.101/24`. */
  cidr: string;
  /** Default: none, the guest reaches its own network only. */
  gateway?: string;
  /** Name servers. Default: none. */
  dns?: string[];
}

/** The same, and where the guest is reached at it. */
export interface GuestNetwork extends StaticAddress {
  /** Without the prefix length. */
  address: string;
}

/** The address of a network card beside the first. */
export interface CardAddress {
  mac: string;
  /** IPv4 with its prefix length. */
  cidr: string;
}

export interface GuestIdentity {
  /** The guest's UUID. cloud-init sets a guest up once for each, so it must not change in the guest's life. */
  uuid: string;
  hostname: string;
  /** The account that is made; it may use sudo, and logs in with a key only. */
  user: string;
  /** OpenSSH public keys, one a line of authorized_keys. */
  authorizedKeys: string[];
  /** MAC of the network card that the address belongs to. */
  mac: string;
  /** Default: DHCP. */
  address?: StaticAddress;
  /** Addresses of other network cards; of a card that has none here, the guest sees to it itself. Default: none. */
  others?: readonly CardAddress[];
  /** Default: idle. */
  workload?: Workload;
  /** The guest's SSH host key, so that it is known beforehand. Default: the guest makes its own. */
  hostKey?: { privateKey: string; publicKey: string };
}

/** The three files of a NoCloud seed. */
interface CloudInit {
  userData: string;
  metaData: string;
  networkConfig: string;
}

/** Everything that cloud-init gets to see of a guest. Works with Ubuntu 24.04's image and our Debian 12 one. */
export function cloudInit(guest: GuestIdentity): CloudInit {
  return { userData: userData(guest), metaData: metaData(guest), networkConfig: networkConfig(guest) };
}

function metaData(guest: Pick<GuestIdentity, "uuid" | "hostname">): string {
  return toYaml({
    "instance-id": guest.uuid,
    "local-hostname": guest.hostname,
    // All is known before there is a network: cloud-init then does everything in its first stage, and the guest
    // is reachable one Python start-up earlier (seconds on an emulated CPU).
    dsmode: "local",
  });
}

function networkConfig(guest: Pick<GuestIdentity, "mac" | "address" | "others">): string {
  const { address, others = [] } = guest;
  const card = address
    ? {
        addresses: [address.cidr],
        // Not `to: default`: Debian 12's cloud-init (22.4) refuses it.
        ...(address.gateway && { routes: [{ to: "0.0.0.0/0", via: address.gateway }] }),
        ...(address.dns?.length && { nameservers: { addresses: address.dns } }),
      }
    : // A lease belongs to the MAC, which is in the stack's config, not to a machine-id made at first boot.
      { dhcp4: true, "dhcp-identifier": "mac" };
  const cards = [
    { mac: guest.mac, ...card },
    ...others.map(({ mac, cidr }) => ({ mac, addresses: [cidr], optional: true })),
  ];
  const ethernets = cards.map(({ mac, ...settings }, at) => [
    `nic${at}`,
    { match: { macaddress: mac.toLowerCase() }, "accept-ra": false, ...settings },
  ]);
  return toYaml({ version: 2, ethernets: Object.fromEntries(ethernets) });
}

/** What the network config of a guest gives its cards beside the first. */
export function otherAddresses(networkConfig: string): CardAddress[] {
  const { ethernets = {} } = parse(networkConfig) as {
    ethernets?: Record<string, { match: { macaddress: string }; addresses?: string[] }>;
  };
  return Object.entries(ethernets).flatMap(([card, { match, addresses }]) => {
    const cidr = addresses?.[0];
    return card === "nic0" || cidr === undefined ? [] : [{ mac: match.macaddress, cidr }];
  });
}

// Timers that would write pages and blocks in a guest that is being measured. Our Debian image has none of them.
const noisyTimers = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "e2scrub_all.timer",
  "fstrim.timer",
  "fwupd-refresh.timer",
  "man-db.timer",
  "motd-news.timer",
  "update-notifier-download.timer",
  "update-notifier-motd.timer",
];

// Links, not `systemctl mask`: that has systemd read all its units again, seconds on an emulated CPU.
const quietenTimers = `for timer in ${noisyTimers.join(" ")}; do
  [ -e /etc/systemd/system/$timer ] || ! [ -e /lib/systemd/system/$timer ] && continue
  ln -s /dev/null /etc/systemd/system/$timer
  systemctl stop $timer
done`;

// Exists once all of the first boot is on the disk.
const setUpMark = "/var/lib/cloud/instance/testbed-set-up";

// A host that loses its power leaves files empty that were written in the last half minute (ext4 allocates late), and cloud-init does not
// write them again: it has met the instance and takes the guest for set up. So a first boot that was cut off is forgotten and made again.
const forgetCutFirstBoot = `cd /var/lib/cloud
[ -e ${setUpMark} ] && exit
[ "$(cat data/previous-instance-id)" = "$INSTANCE_ID" ] || [ -e instance/sem/config_ssh ] || exit 0
echo "testbed: the first boot was cut off; it is made anew" >/dev/console
cloud-init clean && sync && reboot -ff`;

const keepSetUp = `sync && touch ${setUpMark} && sync`;

// Without systemd-resolved, nothing else makes this file of the address's name servers.
function resolvConf(dns: readonly string[]): string {
  return `[ -e /etc/resolv.conf ] || printf 'nameserver %s\\n' ${dns.join(" ")} >/etc/resolv.conf`;
}

function userData(guest: Omit<GuestIdentity, "uuid" | "mac">): string {
  const files = workloadFiles(guest.workload ?? { type: "idle" });
  const config = {
    hostname: guest.hostname,
    manage_etc_hosts: "localhost",
    users: [
      {
        name: guest.user,
        gecos: "Migration testbed",
        shell: "/bin/bash",
        groups: ["adm", "sudo"],
        sudo: "ALL=(ALL) NOPASSWD:ALL",
        lock_passwd: true,
        ssh_authorized_keys: guest.authorizedKeys,
      },
    ],
    disable_root: true,
    ssh_pwauth: false,
    // One kind of host key: an RSA key takes an emulated CPU many seconds to make.
    ssh_deletekeys: true,
    ssh_genkeytypes: guest.hostKey ? [] : ["ed25519"],
    ...(guest.hostKey && {
      ssh_keys: { ed25519_private: guest.hostKey.privateKey, ed25519_public: guest.hostKey.publicKey },
    }),
    ssh: { emit_keys_to_console: false },
    no_ssh_fingerprints: true,
    // Guests may have no route to the internet: nothing is installed or updated.
    package_update: false,
    package_upgrade: false,
    apt: { preserve_sources_list: true },
    growpart: { mode: "auto", devices: ["/"] },
    ...(files.length > 0 && {
      write_files: files.map((file) => ({
        path: file.path,
        permissions: file.mode,
        content: file.content,
      })),
    }),
    bootcmd: [["sh", "-c", forgetCutFirstBoot]],
    runcmd: [
      ["sh", "-c", quietenTimers],
      ...(guest.address?.dns?.length ? [["sh", "-c", resolvConf(guest.address.dns)]] : []),
      ...(files.length > 0 ? [["systemctl", "enable", "--now", workloadUnit]] : []),
      ["sh", "-c", keepSetUp],
    ],
    final_message: `testbed guest ${guest.hostname}: set up $UPTIME s after its kernel started (cloud-init $VERSION)`,
  };
  return `#cloud-config\n${toYaml(config)}`;
}

// cloud-init reads YAML 1.1, where a bare 52:54:00:10:55:10 is a number and a bare 0644 another. Long lines
// stay whole: keys are easier to compare.
function toYaml(value: unknown): string {
  return stringify(value, { version: "1.1", lineWidth: 0 });
}
