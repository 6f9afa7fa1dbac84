import { basename } from "node:path";
import type { Fleet } from "../fleet/fleet.ts";
import type { FleetReference } from "../fleet/fleet-page.ts";
import { type CardAddress, otherAddresses } from "../guests/cloud-init.ts";
import { parseProbe } from "../hosts/facts.ts";
import type { Image } from "../images/image.ts";
import { isProgram, type Program } from "../images/programs.ts";
import { programsIn } from "../images/source.ts";
import type { ClusterOutputs } from "../provider/cluster-resource.ts";
import type { DomainOutputs } from "../provider/domain-resource.ts";
import type { FenceOutputs } from "../provider/fence-resource.ts";
import type { HostPowerOutputs } from "../provider/host-power-resource.ts";
import type { MigrationOutputs } from "../provider/migration-resource.ts";
import { type EngineResourceName, isTypeOf } from "../provider/types.ts";
import type { SshTarget } from "../ssh/target.ts";
import type { PastResource } from "./past-resource.ts";

/** What earlier updates made of a stack. */
export interface PastStack {
  guests: PastGuest[];
  /** How its hosts were reached, by name. */
  hosts: Record<string, SshTarget>;
  /** What hosts had when they were prepared last, by name: one that is off by now can't be asked. Absent: that was not read. */
  sizes?: Record<string, HostSize>;
  /** How guests' disks are reached; absent: there are no guests yet. */
  transport?: "kernel" | "userspace";
  /** Hosts that an update has switched last, or that one may have begun to switch off. Absent: none. */
  switched?: { off: string[]; on: string[]; perhapsOff: string[] };
  /** How each of them was switched last, by name. Absent: none was. */
  switchings?: Record<string, Switching>;
  /** Hosts of which it was proved that they are off, as they were lost. Absent: none. */
  fenced?: string[];
  /** libvirt's name of the pool that guests' files are in. Absent: there are none yet. */
  pool?: string;
  /** libvirt's networks are resources of their own, as versions before this one had them; absent: they are not. */
  declaresNetworks?: boolean;
}

interface HostSize {
  memoryMiB: number;
  cpus: number;
}

export type Switching = Pick<HostPowerOutputs, "desired" | "since" | "reason">;

export interface PastGuest {
  name: string;
  uuid: string;
  /** Where it was last seen. */
  host: string;
  /** What runs it; absent: that is not known. */
  accelerator?: "kvm" | "tcg";
  /** What the image that its disk lies over was built with. */
  programs: readonly Program[];
  /** What starts it; absent: that is not known. */
  firmware?: "bios" | "uefi";
  /** What it was made to keep doing; absent: that is not known. */
  workload?: unknown;
  /** Its IPv4 address, empty when that comes by DHCP; absent: that is not known. */
  address?: string;
  /** The size of its disk; absent: that is not known. */
  diskGiB?: number;
  /** Its disks beside the system's. Absent: none that is known. */
  disks?: { name: string; sizeGiB: number }[];
  /** What its network cards beside the first got at its first boot; absent: that is not known. */
  cardAddresses?: CardAddress[];
  /** What its disk lies over; absent: that is not known. */
  image?: PastImage;
}

export interface PastImage {
  /** As the config said then. */
  source: string;
  /** The file's, in lower case, whether the config said it or not. */
  sha256: string;
}

/** What the resources of a stack tell of its guests and hosts. */
export function pastStackOf(resources: readonly PastResource[]): PastStack {
  const domains = ofEngine<DomainOutputs>(resources, "domain");
  const migrations = ofEngine<MigrationOutputs>(resources, "migration");
  const volumes = ofType<VolumeOutputs>(resources, "libvirt:index/volume:Volume");
  const seeds = ofType<SeedOutputs>(resources, "libvirt:index/cloudinitDisk:CloudinitDisk");
  const images = ofType<CommandOutputs>(resources, "command:local:Command").flatMap(imageOf);
  const hostsOn = hostsByPage(resources);
  const fleets = [...domains, ...migrations].flatMap(({ fleet }) => hostsOf(fleet, hostsOn));
  const fenced = ofEngine<FenceOutputs>(resources, "fence").map(({ host }) => host);
  const transport = domains[0]?.spec.storage.transport;
  return {
    guests: domains.map(({ spec: { name, uuid, accelerator, firmware, storage, disks = [] }, bootedOn }) => {
      const migration = migrations.find((each) => each.uuid === uuid);
      const sizeOf = (path: string) => {
        const volume = volumes.find((each) => each.name === basename(path));
        return volume && volume.size / 2 ** 30;
      };
      const diskGiB = storage.localGiB ?? sizeOf(storage.overlayPath);
      const seed = seeds.find((each) => each.name === basename(storage.seedPath ?? ""));
      const image = images.find(({ file }) => file === basename(storage.basePath ?? ""));
      return {
        name,
        uuid,
        // Empty: it was found nowhere.
        host: migration?.host || bootedOn,
        accelerator,
        firmware: firmware ? "uefi" : "bios",
        programs: programsIn(basename(storage.basePath ?? "")).filter(isProgram),
        ...(migration && { workload: migration.conditions.workload ?? { type: "idle" } }),
        ...(migration?.address !== undefined && { address: migration.address }),
        ...(diskGiB !== undefined && { diskGiB }),
        ...(disks.length > 0 && {
          disks: disks.flatMap((disk) => {
            const sizeGiB = sizeOf(disk.path);
            return sizeGiB === undefined ? [] : [{ name: disk.name, sizeGiB }];
          }),
        }),
        ...(seed?.networkConfig && { cardAddresses: otherAddresses(seed.networkConfig) }),
        ...(image && { image: { source: image.source, sha256: image.sha256 } }),
      };
    }),
    hosts: Object.fromEntries(
      fleets.flatMap((hosts) => Object.entries(hosts).map(([name, { ssh }]) => [name, ssh])),
    ),
    ...(transport && { transport }),
    ...(volumes[0] && { pool: volumes[0].pool }),
    ...switchedOf(resources),
    ...(fenced.length > 0 && { fenced }),
    ...(resources.some(({ type }) => type === "libvirt:index/network:Network") && { declaresNetworks: true }),
  };
}

function switchedOf(resources: readonly PastResource[]): Pick<PastStack, "switched" | "switchings"> {
  const switches = ofEngine<HostPowerOutputs>(resources, "hostPower");
  const clusters = ofEngine<ClusterOutputs>(resources, "cluster");
  const last = (state: "on" | "off") =>
    switches.filter(({ desired }) => desired === state).map(({ host }) => host);
  const switched = {
    off: last("off"),
    on: last("on"),
    perhapsOff: clusters.flatMap(({ mayBeOff = [] }) => mayBeOff),
  };
  const switchings = switches.map(({ host, desired, since, reason }): [string, Switching] => [
    host,
    { desired, since, ...(reason !== undefined && { reason }) },
  ]);
  return {
    ...(Object.values(switched).some((hosts) => hosts.length > 0) && { switched }),
    ...(switchings.length > 0 && { switchings: Object.fromEntries(switchings) }),
  };
}

/** What is written on each page of the cluster's that a guest may name. */
function hostsByPage(resources: readonly PastResource[]): Map<string, Fleet["hosts"]> {
  const clusters = ofEngine<ClusterOutputs>(resources, "cluster");
  return new Map(
    clusters.flatMap(({ common, earlier }) => [common, ...earlier]).map(({ page, hosts }) => [page, hosts]),
  );
}

function hostsOf(fleet: Fleet | FleetReference, hostsOn: ReadonlyMap<string, Fleet["hosts"]>) {
  if ("hosts" in fleet) return [fleet.hosts];
  const { pages, without = [] } = fleet;
  return pages.map((page) =>
    Object.fromEntries(Object.entries(hostsOn.get(page) ?? {}).filter(([name]) => !without.includes(name))),
  );
}

interface VolumeOutputs {
  name: string;
  pool: string;
  size: number;
}

interface SeedOutputs {
  name: string;
  networkConfig?: string;
}

interface CommandOutputs {
  environment?: { SOURCE?: string };
  stdout?: string;
}

/** What a GuestImage's command was told, and what it said. */
function imageOf({ environment, stdout = "" }: CommandOutputs): (PastImage & { file: string })[] {
  const source = environment?.SOURCE;
  if (source === undefined || !stdout.startsWith("{")) return [];
  const { path, sha256 } = JSON.parse(stdout) as Image;
  return [{ source, sha256, file: basename(path) }];
}

const ofEngine = <Outputs>(resources: readonly PastResource[], resource: EngineResourceName): Outputs[] =>
  resources.filter(({ type }) => isTypeOf(type, resource)).map(({ outputs }) => outputs as Outputs);

function ofType<Outputs>(resources: readonly PastResource[], type: string): Outputs[] {
  return resources.filter((resource) => resource.type === type).map(({ outputs }) => outputs as Outputs);
}

/**
 * What each host had when it was prepared last, by its name.
 *
 * @param resources by their URNs
 */
export function hostSizes(resources: Readonly<Record<string, PastResource>>): Record<string, HostSize> {
  return Object.fromEntries(
    Object.entries(resources).flatMap(([urn, { outputs }]) => {
      const [, name] = /testbed:index:KvmHost\$command:remote:Command::(.+)-probe$/.exec(urn) ?? [];
      // A component has none, in a state that was exported.
      const { stdout } = (outputs ?? {}) as CommandOutputs;
      if (name === undefined || !stdout) return [];
      const { memoryMiB, cpus } = parseProbe(stdout);
      return [[name, { memoryMiB, cpus }] as const];
    }),
  );
}

/**
 * From which address each host mounts the export, by its name, as its command found.
 *
 * @param resources by their URNs
 * @param testbed the resource's name
 */
export function mountsFrom(
  resources: Readonly<Record<string, PastResource>>,
  testbed: string,
): Record<string, string> {
  const before = `testbed:index:NfsPool$command:remote:Command::${testbed}-pool-`;
  return Object.fromEntries(
    Object.entries(resources).flatMap(([urn, { outputs }]) => {
      const [, name] = urn.split(before);
      const { stdout } = (outputs ?? {}) as CommandOutputs;
      return name?.endsWith("-client") && stdout ? [[name.slice(0, -"-client".length), stdout] as const] : [];
    }),
  );
}
