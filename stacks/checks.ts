import { workloadSchema } from "../guests/workload.ts";
import { workloadMisfit } from "../guests/workload-memory.ts";
import { misfits, redoMisfits } from "../moves/misfits.ts";
import type { MigrationOptions } from "../moves/options.ts";
import { imageNames, type StackInput } from "./config.ts";
import {
  defaultBridge,
  defaultExport,
  defaultMemoryMiB,
  defaultNetwork,
  defaultStorageName,
  labGateway,
  labGuestAddress,
  labHostAddress,
  labOffsets,
  labStorageAddress,
  longestLabPrefix,
  macAddress,
  sshPort,
  vncPort,
} from "./defaults.ts";
import { cidrOf, isHostIn, isInside, type Network, nth, toNetwork } from "./ipv4.ts";
import { type Mistake, pathText } from "./mistake.ts";
import { didYouMean, list } from "./words.ts";

/** A config of which any part may be missing. A key whose value the schema refused is there, with `undefined`. */
export type Draft<T = StackInput> = T extends readonly (infer Entry)[]
  ? readonly (Draft<Entry> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Draft<T[Key]> }
    : T;

type Check = (draft: Draft, stack: string) => Mistake[];

/** The rules between keys, which the schema of one key cannot hold. */
export function crossCheck(draft: Draft, stack: string): Mistake[] {
  return checks.flatMap((check) => check(draft, stack));
}

const checks: readonly Check[] = [
  stackName,
  names,
  placement,
  drain,
  labNetwork,
  labSettings,
  machineAddresses,
  guestAddresses,
  guestGateway,
  takenAddresses,
  macs,
  ports,
  vncPasswords,
  workloads,
  migrationOptions,
  exportFolder,
  image,
  bridge,
];

function mistake(path: readonly PropertyKey[], problem: string, mend: string): Mistake {
  return { path: pathText(path), problem, mend };
}

/** A key's value, or what it is by default; neither when the schema refused what is said there. */
function valueOr<Group extends object, Key extends keyof Group>(
  group: Group | undefined,
  key: Key,
  byDefault: NonNullable<Group[Key]> | undefined,
): Group[Key] | undefined {
  return group !== undefined && key in group ? group[key] : byDefault;
}

interface Named<Entry> {
  entry: Entry;
  name: string | undefined;
  /** "guest vm1", or where it stands when it has no name. */
  title: string;
  path: readonly [string, number];
  /** Whether it is the first of its name: a second one would get the same addresses, which is not the mistake. */
  isFirst: boolean;
}

function hostsOf({ hosts = [] }: Draft): Named<NonNullable<(typeof hosts)[number]>>[] {
  return hosts.flatMap((host, index) => (host === undefined ? [] : named("hosts", host, index, hosts)));
}

function guestsOf({ guests = [] }: Draft): Named<NonNullable<(typeof guests)[number]>>[] {
  return guests.flatMap((guest, index) => (guest === undefined ? [] : named("guests", guest, index, guests)));
}

function named<Entry extends { readonly name?: string }>(
  section: "hosts" | "guests",
  entry: Entry,
  index: number,
  all: readonly (Entry | undefined)[],
): Named<Entry> {
  const { name } = entry;
  const title = name === undefined ? `${section}[${index}]` : `${section.slice(0, -1)} ${name}`;
  const isFirst = all.findIndex((other) => other?.name === name) === index;
  return { entry, name, title, path: [section, index], isFirst };
}

function namesOf(things: readonly Named<unknown>[]): string[] {
  return things.flatMap(({ name, isFirst }) => (name !== undefined && isFirst ? name : []));
}

/** Something that only one thing can have. */
interface Claim {
  value: string;
  owner: string;
  path: readonly PropertyKey[];
  /** Whether it follows from the owner's name, and nobody said it. */
  isByName: boolean;
}

function claim(
  value: string | undefined,
  owner: string,
  path: readonly PropertyKey[],
  isByName = false,
): Claim[] {
  return value === undefined ? [] : [{ value, owner, path, isByName }];
}

/** A mistake for each claim to what an earlier one has already. */
function clashes(what: string, claims: readonly Claim[], mend: string): Mistake[] {
  const first = new Map<string, Claim>();
  return claims.flatMap((claim) => {
    const { value, path, isByName } = claim;
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, claim);
    const source = isByName ? ", which its name gives it," : "";
    return earlier === undefined
      ? []
      : [mistake(path, `the ${what} ${value}${source} is taken by ${earlier.owner}`, mend)];
  });
}

/** It becomes a folder's name: Pulumi itself takes `..`, too. */
function stackName(_: Draft, stack: string): Mistake[] {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(stack)) return [];
  const problem = `the stack's own name "${stack}" does not begin with a letter or a digit, or has other signs in it`;
  return [
    mistake(
      [],
      problem,
      "make a stack of another name: keys, results and labs lie in folders that are called like it",
    ),
  ];
}

/** Names that every Debian's /etc/hosts has for something else. */
const takenNames = ["localhost", "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters"];

function names(draft: Draft): Mistake[] {
  const claims = [
    claim(draft.storage?.name ?? defaultStorageName, "the storage host", ["storage", "name"]),
    ...takenNames.map((name) => claim(name, "every machine, for itself", [])),
    ...[...hostsOf(draft), ...guestsOf(draft)].map(({ name, path: [section, index] }) =>
      claim(name, `${section}[${index}]`, [section, index, "name"]),
    ),
  ].flat();
  return clashes("name", claims, "hosts, guests and the storage host all need names of their own");
}

function placement(draft: Draft): Mistake[] {
  const { placement } = draft;
  if (placement === undefined) return [];
  const hosts = namesOf(hostsOf(draft));
  const guests = namesOf(guestsOf(draft));
  const unknown = Object.entries(placement).flatMap(([guest, host]) => {
    const path = ["placement", guest];
    // zod passes over a key __proto__, whatever its value is.
    return [
      ...absent("guest", guest, guests, path),
      ...(typeof host !== "string" ? [] : absent("host", host, hosts, path)),
    ];
  });
  const unplaced = guests
    .filter((guest) => !(guest in placement))
    .map((guest) =>
      mistake(
        ["placement"],
        `guest "${guest}" has no host`,
        `add the line "${guest}: ${hosts[0] ?? "<host>"}"; hosts are ${list(hosts)}`,
      ),
    );
  return [...unknown, ...unplaced];
}

function drain(draft: Draft): Mistake[] {
  const { drain = [] } = draft;
  const hosts = namesOf(hostsOf(draft));
  const unknown = drain.flatMap((host, index) =>
    host === undefined ? [] : absent("host", host, hosts, ["drain", index]),
  );
  const guests = namesOf(guestsOf(draft));
  if (hosts.length === 0 || guests.length === 0 || hosts.some((host) => !drain.includes(host)))
    return unknown;
  return [
    ...unknown,
    mistake(
      ["drain"],
      `all hosts are drained, and ${list(guests)} ${guests.length === 1 ? "has" : "have"} nowhere to go`,
      `leave out one of ${list(hosts)}, or add a host`,
    ),
  ];
}

function absent(
  what: "host" | "guest",
  name: string,
  known: readonly string[],
  path: readonly PropertyKey[],
): Mistake[] {
  if (known.includes(name)) return [];
  const mend =
    known.length > 0 ? `${what}s are ${list(known)}${didYouMean(name, known)}` : `add it to ${what}s`;
  return [mistake(path, `there is no ${what} "${name}"`, mend)];
}

const privateNetworks = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map(toNetwork);

function labNetwork({ lab }: Draft): Mistake[] {
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
function soundLabNetwork(draft: Draft): string | undefined {
  if (draft.lab === undefined || labNetwork(draft).length > 0) return undefined;
  return valueOr(draft.lab, "network", defaultNetwork);
}

/** What the lab decides by itself; to say it would have no effect. */
function labSettings(draft: Draft): Mistake[] {
  const { lab, storage, ssh, bridge } = draft;
  if (lab === undefined) return [];
  const said: [readonly PropertyKey[], unknown][] = [
    [["storage", "port"], storage?.port],
    [["storage", "user"], storage?.user],
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

function machineAddresses(draft: Draft): Mistake[] {
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

function outside(path: readonly PropertyKey[], address: string, network: string): Mistake[] {
  const parts = toNetwork(network);
  const isAddress = /^\d+(\.\d+){3}$/.test(address);
  if (isAddress && isHostIn(parts, address) && address !== labGateway(network)) return [];
  const mend = `give one of ${range(parts, labOffsets.gateway + 1)}`;
  return [mistake(path, `${address} is not free in the lab's network ${network}`, mend)];
}

function range(network: Network, first: number): string {
  return `${nth(network, first)} to ${nth(network, network.size - 2)}`;
}

function guestAddresses(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry: { address }, path }) => {
    if (address === undefined) return [];
    return "lab" in draft
      ? labGuestAddressFaults([...path, "address"], address, soundLabNetwork(draft))
      : ownGuestAddressFaults([...path, "address"], address);
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

function guestGateway(draft: Draft): Mistake[] {
  const gateway = draft.bridge?.gateway;
  if (gateway === undefined || "lab" in draft) return [];
  const networks = guestsOf(draft)
    .map(({ entry }) => entry.address ?? "")
    .filter((address) => address.includes("/"))
    .map(toNetwork);
  if (networks.length === 0 || networks.some((network) => isHostIn(network, gateway))) return [];
  const mend = `give an address in ${list([...new Set(networks.map(cidrOf))], "or")}`;
  return [mistake(["bridge", "gateway"], `${gateway} is in no guest's network`, mend)];
}

/** Behind one address with several forwarded ports there are several machines. */
function endpoint(address: string | undefined, port = sshPort): string | undefined {
  return address === undefined || port === sshPort ? address : `${address}:${port}`;
}

function takenAddresses(draft: Draft): Mistake[] {
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
      return claim(address, guest.title, [...guest.path, "address"], !("address" in guest.entry));
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

function macs(draft: Draft, stack: string): Mistake[] {
  const claims = guestsOf(draft).flatMap(({ entry, name, title, path, isFirst }) => {
    const mac = valueOr(entry, "mac", name && isFirst ? macAddress(stack, name) : undefined);
    return claim(mac?.toLowerCase(), title, [...path, "mac"]);
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

/** A guest can go to any host, so all guests' ports on the hosts must differ: VNC's, and those of moves at once. */
function ports(draft: Draft): Mistake[] {
  const claims = guestsOf(draft).flatMap(({ entry, name, title, path, isFirst }) => {
    const display = entry.vnc && valueOr(entry.vnc, "port", name && isFirst ? vncPort(name) : undefined);
    const isOwn = "port" in (entry.migration ?? {});
    const data = isOwn ? entry.migration?.port : draft.migration?.port;
    return [
      ...claim(display?.toString(), `${title}'s VNC display`, [...path, "vnc", "port"]),
      ...claim(
        data?.toString(),
        `${title}'s migration`,
        isOwn ? [...path, "migration", "port"] : ["migration", "port"],
      ),
    ];
  });
  return clashes("port", claims, "guests meet on the hosts: give each a port of its own, or leave it out");
}

function vncPasswords(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry: { vnc }, title, path }) => {
    if (vnc?.listen !== "0.0.0.0" || "password" in vnc) return [];
    const at = [...path, "vnc", "password"];
    const command = `pulumi config set --secret --path '${pathText(at)}'`;
    return [
      mistake(
        at,
        `is missing: the display of ${title} would be open to the whole network`,
        `set one (${command}), or listen: 127.0.0.1`,
      ),
    ];
  });
}

function workloads(draft: Draft): Mistake[] {
  return guestsOf(draft).flatMap(({ entry, path }) => {
    const memoryMiB = valueOr(entry, "memoryMiB", defaultMemoryMiB);
    // A rate that is missing or was refused says nothing of the size.
    const said = entry.workload?.type === "memory" ? { ...entry.workload, mibPerSecond: 1 } : entry.workload;
    if (said === undefined || memoryMiB === undefined || Object.values(said).includes(undefined)) return [];
    const { data: workload } = workloadSchema.safeParse(said);
    const misfit = workload && workloadMisfit(workload, memoryMiB);
    if (misfit === undefined) return [];
    const at = misfit.key ? ["workload", misfit.key] : ["memoryMiB"];
    return [mistake([...path, ...at], misfit.problem, misfit.mend)];
  });
}

/** An option and the mode that cannot do it, or another option: said for all guests, or with the guest's own word in it. */
function migrationOptions({ migration, ...draft }: Draft): Mistake[] {
  const all = { mode: "live", ...migration } as MigrationOptions;
  const owners = [
    {
      options: all,
      said: Object.keys(migration ?? {}),
      path: ["migration"] as PropertyKey[],
      isLocal: false,
    },
    ...guestsOf(draft).map(({ entry, path }) => ({
      options: { ...all, ...entry.migration } as MigrationOptions,
      said: Object.keys(entry.migration ?? {}),
      path: [...path, "migration"],
      isLocal: entry.redo === "local",
    })),
  ];
  return owners.flatMap(({ options, said, path, isLocal }) => [
    ...misfits(options)
      .filter(({ option }) => said.includes(option))
      .map(({ option, problem, mend }) => mistake([...path, option], problem, mend)),
    // Said for all guests, it holds for this one too: it would not go without saying.
    ...(isLocal ? redoMisfits(options) : []).map(({ option, problem, mend }) =>
      mistake([...path, option], problem, mend),
    ),
  ]);
}

const systemFolders = [
  "bin",
  "boot",
  "dev",
  "etc",
  "lib",
  "lib64",
  "proc",
  "root",
  "run",
  "sbin",
  "sys",
  "tmp",
  "usr",
];

function exportFolder({ storage }: Draft): Mistake[] {
  const [, top = "", ...rest] = (storage?.export ?? defaultExport).split("/");
  const isSystem = systemFolders.includes(top) || (rest.length === 0 && ["home", "var"].includes(top));
  if (!isSystem) return [];
  const problem = `${storage?.export} belongs to the storage host's own system`;
  return [
    mistake(["storage", "export"], problem, `give a folder for guests' disks, such as ${defaultExport}`),
  ];
}

function image({ image }: Draft): Mistake[] {
  const source = image?.source ?? "auto";
  const isNamed = (imageNames as readonly string[]).includes(source);
  if (isNamed && image?.sha256 !== undefined) {
    const mend = "leave it out, or give the image's path or URL as source";
    return [mistake(["image", "sha256"], `"${source}" comes with its own checksum`, mend)];
  }
  if (source.startsWith("http:") && image?.sha256 === undefined) {
    return [
      mistake(
        ["image", "sha256"],
        "is missing: an image over plain http can be changed on its way",
        "give it, or an https URL",
      ),
    ];
  }
  return [];
}

function bridge({ lab, bridge }: Draft): Mistake[] {
  const path = ["bridge", "uplink"];
  if (bridge?.uplink !== undefined && bridge.uplink === (bridge.name ?? defaultBridge)) {
    return [mistake(path, `${bridge.uplink} is the bridge itself`, "give the interface that joins it")];
  }
  return lab && bridge?.uplink === "none"
    ? [mistake(path, "none would leave the lab's guests where nobody reaches them", "leave it out")]
    : [];
}
