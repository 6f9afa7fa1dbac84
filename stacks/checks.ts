import { workloadMisfit } from "../guests/workload.ts";
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
import { didYouMean, list, type Mistake, pathText } from "./mistake.ts";

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
  names,
  placement,
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

/** The entries that are there, with their index, and whether each is the first of its name. */
function entries<Entry extends { readonly name?: string }>(
  entriesOrHoles: readonly (Entry | undefined)[] = [],
) {
  return entriesOrHoles.flatMap((entry, index) => {
    if (entry === undefined) return [];
    const isFirst = entriesOrHoles.findIndex((other) => other?.name === entry.name) === index;
    return [{ entry, index, name: entry.name, isFirst }];
  });
}

function namesOf(things: Draft["hosts"] | Draft["guests"]): string[] {
  return entries(things).flatMap(({ name, isFirst }) => (name !== undefined && isFirst ? name : []));
}

/** Something that only one thing can have. */
interface Claim {
  value: string;
  owner: string;
  path: readonly PropertyKey[];
}

function claim(value: string | undefined, owner: string, path: readonly PropertyKey[]): Claim[] {
  return value === undefined ? [] : [{ value, owner, path }];
}

/** A mistake for each claim to what an earlier one has already. */
function clashes(what: string, claims: readonly Claim[], mend: string): Mistake[] {
  const first = new Map<string, Claim>();
  return claims.flatMap((claim) => {
    const earlier = first.get(claim.value);
    if (earlier === undefined) first.set(claim.value, claim);
    return earlier === undefined
      ? []
      : [mistake(claim.path, `the ${what} ${claim.value} is taken by ${earlier.owner}`, mend)];
  });
}

function names({ storage, hosts, guests }: Draft): Mistake[] {
  const named = (key: "hosts" | "guests", things: Draft["hosts"] | Draft["guests"]) =>
    entries(things ?? []).flatMap(({ name, index }) => claim(name, `${key}[${index}]`, [key, index, "name"]));
  const claims: Claim[] = [
    { value: storage?.name ?? defaultStorageName, owner: "the storage host", path: ["storage", "name"] },
    { value: "localhost", owner: "every machine, for itself", path: [] },
    ...named("hosts", hosts),
    ...named("guests", guests),
  ];
  return clashes("name", claims, "hosts, guests and the storage host all need names of their own");
}

function placement({ placement, hosts, guests }: Draft): Mistake[] {
  if (placement === undefined) return [];
  const hostNames = namesOf(hosts);
  const guestNames = namesOf(guests);
  const unknown = Object.entries(placement).flatMap(([guest, host]) => {
    const mistakes: Mistake[] = [];
    if (!guestNames.includes(guest)) {
      const mend = `guests are ${list(guestNames)}${didYouMean(guest, guestNames)}`;
      mistakes.push(mistake(["placement", guest], `there is no guest "${guest}"`, mend));
    }
    if (host !== undefined && !hostNames.includes(host)) {
      const mend = `hosts are ${list(hostNames)}${didYouMean(host, hostNames)}`;
      mistakes.push(mistake(["placement", guest], `there is no host "${host}"`, mend));
    }
    return mistakes;
  });
  const unplaced = entries(guests).flatMap(({ name, isFirst }) =>
    name === undefined || !isFirst || name in placement
      ? []
      : [
          mistake(
            ["placement"],
            `guest "${name}" has no host`,
            `add the line "${name}: ${hostNames[0] ?? "<host>"}"; hosts are ${list(hostNames)}`,
          ),
        ],
  );
  return [...unknown, ...unplaced];
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
function labSettings({ lab, storage, hosts, ssh, bridge }: Draft): Mistake[] {
  if (lab === undefined) return [];
  const said: [readonly PropertyKey[], unknown][] = [
    [["storage", "port"], storage?.port],
    [["storage", "user"], storage?.user],
    ...entries(hosts).flatMap(({ entry, index }): [readonly PropertyKey[], unknown][] => [
      [["hosts", index, "port"], entry.port],
      [["hosts", index, "user"], entry.user],
      [["hosts", index, "migrationAddress"], entry.migrationAddress],
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
      name: "the storage host",
      address: draft.storage?.address,
      isSaid: "address" in (draft.storage ?? {}),
    },
    ...entries(draft.hosts).map(({ entry, index, name }) => ({
      path: ["hosts", index, "address"],
      name: `host ${name}`,
      address: entry.address,
      isSaid: "address" in entry,
    })),
  ];
  if (!("lab" in draft)) {
    return machines
      .filter(({ isSaid }) => !isSaid)
      .map(({ path, name }) =>
        mistake(path, "is missing", `give the address that ${name} is reached at, or add testbed:lab: {}`),
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
  return entries(draft.guests).flatMap(({ entry: { address }, index }) => {
    if (address === undefined) return [];
    const path = ["guests", index, "address"];
    return "lab" in draft
      ? labGuestAddressFaults(path, address, soundLabNetwork(draft))
      : ownGuestAddressFaults(path, address);
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
  const networks = entries(draft.guests)
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
  const { storage, hosts, guests } = draft;
  const network = soundLabNetwork(draft);
  const byName = (address: typeof labHostAddress, { name, isFirst }: { name?: string; isFirst: boolean }) =>
    network && name && isFirst ? address(network, name) : undefined;

  const storageAddress = valueOr(storage, "address", network && labStorageAddress(network));
  const claims = [
    claim(endpoint(storageAddress, storage?.port), "the storage host", ["storage", "address"]),
    ...entries(hosts).flatMap((host) => {
      const address = valueOr(host.entry, "address", byName(labHostAddress, host));
      return claim(endpoint(address, host.entry.port), `host ${host.name}`, ["hosts", host.index, "address"]);
    }),
    ...entries(guests).flatMap((guest) => {
      const address = valueOr(guest.entry, "address", byName(labGuestAddress, guest))?.split("/")[0];
      return claim(address, `guest ${guest.name}`, ["guests", guest.index, "address"]);
    }),
  ].flat();
  const migration = entries(hosts).flatMap(({ entry, name, index }) => {
    // Hosts that only a port tells apart cannot reach each other at that address.
    const address = valueOr(entry, "migrationAddress", entry.port === undefined ? undefined : entry.address);
    return claim(address, `host ${name}`, ["hosts", index, "migrationAddress"]);
  });
  return [
    ...clashes("address", claims, "give it an address of its own"),
    ...clashes("migration address", migration, "give each host the address that the other hosts reach it at"),
  ];
}

function macs({ guests }: Draft, stack: string): Mistake[] {
  const claims = entries(guests).flatMap(({ entry, name, index, isFirst }) => {
    const mac = valueOr(entry, "mac", name && isFirst ? macAddress(stack, name) : undefined);
    return claim(mac?.toLowerCase(), `guest ${name}`, ["guests", index, "mac"]);
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
function ports({ guests, migration }: Draft): Mistake[] {
  const claims = entries(guests).flatMap(({ entry, name, index, isFirst }) => {
    const display = entry.vnc && valueOr(entry.vnc, "port", name && isFirst ? vncPort(name) : undefined);
    const isOwn = "port" in (entry.migration ?? {});
    const data = isOwn ? entry.migration?.port : migration?.port;
    return [
      ...claim(display?.toString(), `guest ${name}'s VNC display`, ["guests", index, "vnc", "port"]),
      ...claim(
        data?.toString(),
        `guest ${name}'s migration`,
        isOwn ? ["guests", index, "migration", "port"] : ["migration", "port"],
      ),
    ];
  });
  return clashes("port", claims, "guests meet on the hosts: give each a port of its own, or leave it out");
}

function vncPasswords({ guests }: Draft): Mistake[] {
  return entries(guests)
    .filter(({ entry }) => entry.vnc?.listen === "0.0.0.0" && !("password" in entry.vnc))
    .map(({ name, index }) =>
      mistake(
        ["guests", index, "vnc", "password"],
        `is missing: ${name}'s display would be open to the whole network`,
        `set one (pulumi config set --secret --path 'testbed:guests[${index}].vnc.password'), or listen: 127.0.0.1`,
      ),
    );
}

function workloads({ guests }: Draft): Mistake[] {
  return entries(guests).flatMap(({ entry, index }) => {
    const { workload } = entry;
    const memoryMiB = valueOr(entry, "memoryMiB", defaultMemoryMiB);
    if (workload?.type !== "memory" || workload.workingSetMiB === undefined || memoryMiB === undefined)
      return [];
    const { mibPerSecond = 1, workingSetMiB } = workload;
    const misfit = workloadMisfit({ type: "memory", mibPerSecond, workingSetMiB }, memoryMiB);
    const path = ["guests", index, "workload", "workingSetMiB"];
    return misfit === undefined
      ? []
      : [mistake(path, misfit, "make it smaller, or give the guest more memoryMiB")];
  });
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

function bridge({ bridge }: Draft): Mistake[] {
  return bridge?.uplink !== undefined && bridge.uplink === (bridge.name ?? defaultBridge)
    ? [
        mistake(
          ["bridge", "uplink"],
          `${bridge.uplink} is the bridge itself`,
          "give the interface that joins it",
        ),
      ]
    : [];
}
