import type { CardAddress, GuestNetwork } from "../guests/cloud-init.ts";
import type { Workload } from "../guests/workload.ts";
import { isProgram, type Program } from "../images/programs.ts";
import { parseSource } from "../images/source.ts";
import { defaultRelease, type LabRelease } from "../lab/release.ts";
import { withoutAbsent } from "../libvirt/without-absent.ts";
import { fitting } from "../moves/misfits.ts";
import { closedReason, type PlacementDecision } from "../placement/decision.ts";
import { drain } from "../placement/policies/drain.ts";
import type { Place } from "../placement/terms/policy.ts";
import type { Reason } from "../placement/terms/reason.ts";
import type { SshTarget } from "../ssh/target.ts";
import { closedOf, clusterOf, samplesLoad } from "./cluster-of.ts";
import type { GuestConfig, HostConfig, MigrationConfig, MoveOptions, StackConfig } from "./config.ts";
import {
  defaultWakeSeconds,
  hostModel,
  labGateway,
  labGuestAddress,
  labHostAddress,
  labStorageAddress,
  macAddress,
  nicMacAddress,
  noAddress,
  sshPort,
  vncPort,
} from "./defaults.ts";
import { cidrOf, toNetwork } from "./ipv4.ts";
import type { KeyGeneration } from "./key-generation.ts";
import type { SshSettingsByAddress } from "./ssh-settings.ts";

/** Everything a stack is to be, with no name, address or port left open. */
export interface Plan {
  stack: string;
  /** Present: the hosts are containers on this machine. */
  lab?: LabPlan;
  storage: StoragePlan;
  /** In the order of the config. */
  hosts: HostPlan[];
  /** Hosts on which no guest is to run: those that are to be off or are lost, too. */
  drained: string[];
  /** Hosts that are to be switched off, once they are empty. */
  off: HostOff[];
  /** Hosts that failed: their guests are started elsewhere, once it is proved that they write to no disk. */
  lost: string[];
  bridge: { name: string; uplink?: string };
  image: { source: string; sha256?: string };
  /** In the order of the config. */
  guests: GuestPlan[];
  /** How many moves a host takes part in at a time. */
  concurrentPerHost: number;
  /** Hosts sample how busy they and their guests are. */
  samplesLoad: boolean;
  /** What its policy decided; absent: it has none. */
  decision?: PlacementDecision;
  /** Which keys hosts know each other by; absent: the first ones. */
  keys?: KeyGeneration;
  /** libvirt's networks are resources of their own still, and go with this update; absent: they are not. */
  networkGoes?: boolean;
}

interface LabPlan {
  /** The network in CIDR notation. */
  network: string;
  prefixLength: number;
  /** This machine's address in it. */
  gateway: string;
  /** The bridge on this machine. */
  bridge: string;
}

export interface StoragePlan {
  name: string;
  ssh: SshTarget;
  /** Where hosts mount from. */
  address: string;
  /** Which of its starts it is in; see HostPlan. */
  boot?: string;
  /** What its container is made with; see HostPlan. */
  release?: LabRelease;
  /** The exported folder. */
  export: string;
  /** libvirt's name of the pool on it. */
  pool: string;
  /** All of it is there already. Absent: it is made. */
  existing?: true;
  transport: StackConfig["storage"]["transport"];
}

export interface HostPlan {
  name: string;
  ssh: SshTarget;
  /** Where the other hosts send guests' memory to. */
  migrationAddress: string;
  accelerator: HostConfig["accelerator"];
  /** What it may have of the machine that it is a container on. Absent: all that the machine has. */
  share?: HostShare;
  /** The system that its container is made with. Absent: the one by default, or it is no container. */
  release?: LabRelease;
  /** Memory that no guest gets. */
  reserveMiB: number;
  /** It failed, and nobody is to ask it anything: how it is proved that it is off. */
  fence?: FencePlan;
  /** How it is switched on and off, where that is to be done or was done before. */
  power?: HostPowerPlan;
  /** What it draws, as declared. */
  watts?: HostWatts;
  /** Which of its starts it is in, where that was asked: a machine that was restarted is prepared again. Absent in the lab. */
  boot?: string;
}

/** A host that is to be off, and why: "testbed:off names it", or what a policy says. */
export interface HostOff {
  host: string;
  reason: string;
}

export interface HostPowerPlan {
  desired: "on" | "off";
  /** Nobody is to ask it anything: it was switched off by an earlier update, and does not answer. */
  isOff: boolean;
  commands: PowerConfig;
  wakeSeconds: number;
}

export interface FencePlan extends SwitchPlan {
  /** The address from which it mounts the export. Absent: that is not known. */
  mountsFrom?: string;
}

export type SwitchPlan = Pick<HostPowerPlan, "commands" | "wakeSeconds">;

/** As declared; the lab has its own for what is not. */
type PowerConfig = Pick<NonNullable<HostConfig["power"]>, "off" | "on" | "status" | "meter">;
type HostWatts = Pick<NonNullable<HostConfig["power"]>, "idleW" | "peakW">;

/** As declared; what is not is not held. */
export type HostShare = Pick<HostConfig, "memoryMiB" | "cpus">;

export interface GuestPlan {
  name: string;
  /** The host it should run on. */
  host: string;
  /** Why that is not the host that its placement names. Absent: it is. */
  reason?: Reason;
  /** Guests that move first, as they make its room or keep its rules. Absent: it waits for none. */
  after?: readonly string[];
  /** Which one its move is among those that were decided, counted from 0. Absent: it is none of them. */
  turn?: number;
  /** With how many other moves of this update it shares its hosts, on average over its time. Absent: with none, or it does not move. */
  others?: number;
  /** Its host is a policy's to find: where it is counts as where it belongs. Absent: its placement says it. */
  isFree?: boolean;
  memoryMiB: number;
  vcpus: number;
  diskGiB: number;
  /** The CPU model that it names. Absent: the best that all hosts can give. */
  cpu?: string;
  /** Absent: BIOS. */
  firmware?: "uefi";
  /** Where its overlay lies: on the export, or on the host where it is. */
  redo: "shared" | "local";
  /** Disks beside the system's. */
  disks: readonly { name: string; sizeGiB: number }[];
  /** In lower case. */
  mac: string;
  /** Network cards beside the first. */
  nics: readonly NicPlan[];
  /** Absent: by DHCP. */
  network?: GuestNetwork;
  /** Absent: no display. The password is plain text here: make it a secret before a resource gets it. */
  vnc?: { port: number; listen: string; password?: string };
  workload: Workload;
  /** What its image is built with, for its workload. */
  programs: readonly Program[];
  migration: MigrationConfig;
}

/** Its MAC in lower case; without a `cidr` the guest sees to its address. */
type NicPlan = Partial<CardAddress> & { mac: string; bridge: string };

/** What is known beside what the config says, from the machines and from earlier updates. */
export interface Known {
  /** What ~/.ssh/config says of the machines. */
  readonly ssh?: SshSettingsByAddress;
  /** Each host's memory by its name: where guests of drained hosts go depends on it. */
  readonly memoryMiB?: Readonly<Record<string, number>>;
  /** Where each guest runs, by its name, and in which turn and after whose moves it gets there. Absent: that was not decided. */
  readonly places?: Readonly<Record<string, Place & Pick<GuestPlan, "after" | "turn">>>;
  /** Hosts that a policy wants off, beside those that the config names. Default: none. */
  readonly emptied?: readonly HostOff[];
  /** Hosts that were switched off by earlier updates and do not answer. Default: none. */
  readonly areOff?: readonly string[];
  /** Hosts that earlier updates have switched, or begun to. Default: none. */
  readonly switched?: readonly string[];
  /** By name, the address from which a host mounts the export, as earlier updates found. */
  readonly mountsFrom?: Readonly<Record<string, string>>;
  /** By name, which of its starts a machine is in. */
  readonly boots?: Readonly<Record<string, string>>;
  /** How guests reach their disks: a host that comes or goes does not change that. */
  readonly transport?: "kernel" | "userspace";
  /** By name, what the images of guests that are there already were built with: a disk stays on its base. */
  readonly programs?: Readonly<Record<string, readonly Program[]>>;
}

/** Decides all that the config leaves open. The same config and the same knowledge give the same plan, on any machine. */
export function planStack(config: StackConfig, stack: string, known: Known = {}): Plan {
  const { ssh = {}, memoryMiB = {}, boots = {}, transport, programs = {} } = known;
  const { storage, image, bridge } = config;
  const lab = config.lab && planLab(config.lab);
  const off = offOf(config, known);
  const { lost } = config;
  const drained = [...new Set([...config.drain, ...off.map(({ host }) => host), ...lost])];
  const places = known.places ?? drain(clusterOf(config, { memoryMiB }));
  const storageAddress = storage.address ?? labStorageAddress(checked(lab).network);
  const bootOf = ({ name }: { name: string }) => boots[name] !== undefined && { boot: boots[name] };
  return {
    stack,
    ...(lab && { lab }),
    storage: {
      name: storage.name,
      ssh: sshTarget({ ...storage, address: storageAddress }, config, stack, ssh),
      address: storage.nfsAddress ?? ssh[storageAddress]?.hostName ?? storageAddress,
      export: storage.export,
      pool: storage.pool,
      ...(storage.existing && { existing: true as const }),
      transport: storage.transport === "auto" ? (transport ?? "auto") : storage.transport,
      ...releaseOf(config.lab?.release),
      ...bootOf(storage),
    },
    hosts: config.hosts.map((host) => {
      const address = host.address ?? labHostAddress(checked(lab).network, host.name);
      return {
        name: host.name,
        ssh: sshTarget({ ...host, address }, config, stack, ssh),
        migrationAddress: host.migrationAddress ?? ssh[address]?.hostName ?? address,
        accelerator: host.accelerator,
        ...shareOf(host),
        ...releaseOf(host.release ?? config.lab?.release),
        reserveMiB: host.reserveMiB,
        ...(lost.includes(host.name) ? fenceOf(host, known) : powerOf(host, off, known)),
        ...wattsOf(host),
        ...bootOf(host),
      };
    }),
    drained,
    off,
    lost,
    bridge: { name: bridge.name, ...(bridge.uplink && { uplink: bridge.uplink }) },
    image: { source: image.source, ...(image.sha256 && { sha256: image.sha256.toLowerCase() }) },
    concurrentPerHost: config.migration.concurrentPerHost,
    samplesLoad: samplesLoad(config),
    guests: config.guests.map((guest) => ({
      ...planGuest(guest, placeOf(checked(places[guest.name]), off, lost), config, stack, lab),
      programs: programs[guest.name] ?? programsFor(guest.workload, image.source),
    })),
  };
}

/** What the config asks for comes first. */
function offOf({ off }: StackConfig, { emptied = [] }: Known): HostOff[] {
  const asked = off.map((host) => ({ host, reason: "testbed:off names it" }));
  return [...asked, ...emptied.filter(({ host }) => !off.includes(host))];
}

function placeOf<P extends Place>(place: P, off: readonly HostOff[], lost: readonly string[]): P {
  if (place.reason === undefined) return place;
  const closed = closedOf({ off: off.map(({ host }) => host), lost: [...lost] });
  return { ...place, reason: closedReason(place.reason, closed) };
}

/** Nothing for a host that is on and always was. */
function powerOf(
  host: HostConfig,
  off: readonly HostOff[],
  { areOff = [], switched = [] }: Known,
): { power?: HostPowerPlan } {
  const { name } = host;
  const isToBeOff = off.some((each) => each.host === name);
  if (!isToBeOff && !switched.includes(name)) return {};
  const desired = isToBeOff ? "off" : "on";
  return { power: { desired, isOff: areOff.includes(name), ...switchOf(host) } };
}

function fenceOf(host: HostConfig, { mountsFrom = {} }: Known): { fence: FencePlan } {
  const address = mountsFrom[host.name];
  return { fence: { ...switchOf(host), ...(address && { mountsFrom: address }) } };
}

function switchOf({ power }: HostConfig): SwitchPlan {
  const { off, on, status, meter, wakeSeconds = defaultWakeSeconds } = power ?? {};
  return { commands: withoutAbsent({ off, on, status, meter }), wakeSeconds };
}

function wattsOf({ power: { idleW, peakW } = { wakeSeconds: 0 } }: HostConfig): { watts?: HostWatts } {
  const watts = withoutAbsent({ idleW, peakW });
  return Object.keys(watts).length > 0 ? { watts } : {};
}

function shareOf({ memoryMiB, cpus }: HostConfig): { share?: HostShare } {
  const share = withoutAbsent({ memoryMiB, cpus });
  return Object.keys(share).length > 0 ? { share } : {};
}

/** Nothing for the one by default: hosts that were made before there was another one are no different. */
const releaseOf = (release?: LabRelease): { release?: LabRelease } =>
  release && release !== defaultRelease ? { release } : {};

function planLab({ network, bridge }: NonNullable<StackConfig["lab"]>): LabPlan {
  const parts = toNetwork(network);
  return { network: cidrOf(parts), prefixLength: parts.prefixLength, gateway: labGateway(network), bridge };
}

function planGuest(
  guest: GuestConfig,
  place: Place,
  config: StackConfig,
  stack: string,
  lab?: LabPlan,
): Omit<GuestPlan, "programs"> {
  const { name, memoryMiB, vcpus, cpu, firmware, diskGiB, redo, disks, vnc, workload } = guest;
  const network = lab ? labGuestNetwork(guest, lab) : ownGuestNetwork(guest, config.bridge.gateway);
  const { dns } = config.bridge;
  return {
    name,
    ...place,
    ...(!Object.hasOwn(config.placement, name) && { isFree: true }),
    memoryMiB,
    vcpus,
    ...(cpu !== hostModel && { cpu }),
    ...(firmware === "uefi" && { firmware }),
    diskGiB,
    redo,
    disks,
    mac: guest.mac?.toLowerCase() ?? macAddress(stack, name),
    nics: guest.nics.map(({ mac, address, bridge = config.bridge.name }, at) => ({
      mac: mac?.toLowerCase() ?? nicMacAddress(stack, name, at),
      bridge,
      ...(address && { cidr: address }),
    })),
    ...(network && { network: { ...network, ...(dns && { dns }) } }),
    ...(vnc && { vnc: { ...vnc, port: vnc.port ?? vncPort(name) } }),
    workload,
    migration: planMigration(config.migration, guest.migration),
  };
}

/** Images that are built here have what the workload needs; in others the guest installs it. */
function programsFor({ type }: Workload, source: string): Program[] {
  const { kind } = parseSource(source);
  return isProgram(type) && (kind === "auto" || kind === "build") ? [type] : [];
}

/** Options for all guests that this one's mode cannot have are left out. */
function planMigration(
  { drift, slo, concurrentPerHost: _, ...all }: StackConfig["migration"],
  { drift: ownDrift = drift, slo: ownSlo = slo, ...options }: NonNullable<GuestConfig["migration"]> = {},
): MigrationConfig {
  return {
    ...(fitting(withoutAbsent({ ...all, ...options })) as MoveOptions),
    drift: ownDrift,
    ...(ownSlo && { slo: ownSlo }),
  };
}

function labGuestNetwork(guest: GuestConfig, lab: LabPlan): GuestNetwork | undefined {
  if (guest.address === noAddress) return undefined;
  const address = guest.address ?? labGuestAddress(lab.network, guest.name);
  return { address, cidr: `${address}/${lab.prefixLength}`, gateway: lab.gateway };
}

function ownGuestNetwork({ address: cidr }: GuestConfig, gateway?: string): GuestNetwork | undefined {
  if (cidr === undefined || cidr === noAddress) return undefined;
  return { address: checked(cidr.split("/")[0]), cidr, ...(gateway && { gateway }) };
}

interface Machine {
  name: string;
  address: string;
  port?: number | undefined;
  user?: string | undefined;
}

function sshTarget(
  { name, address, port, user }: Machine,
  config: StackConfig,
  stack: string,
  settings: SshSettingsByAddress,
): SshTarget {
  const said = settings[address];
  // What the testbed makes for a stack lies here, git-ignored.
  const folder = `.testbed/${stack}`;
  const { privateKeyFile, knownHosts } = config.ssh;
  const key = config.lab ? `${folder}/id_ed25519` : (privateKeyFile ?? said?.privateKeyFile);
  return {
    name,
    address,
    port: port ?? said?.port ?? sshPort,
    user: user ?? said?.user ?? "root",
    ...(said && said.hostName !== address && { hostName: said.hostName }),
    ...(said?.jump && { jump: said.jump }),
    ...(said?.identityAgent && { identityAgent: said.identityAgent }),
    ...(said?.libvirtName && { libvirtName: said.libvirtName }),
    ...(key && { privateKeyFile: key }),
    ...((config.lab || knownHosts === "accept-new") && { knownHostsFile: `${folder}/known_hosts` }),
  };
}

/** What the config's checks have made sure of. */
function checked<T>(value: T | undefined): T {
  if (value === undefined)
    throw new Error("the stack's config was planned without parseStackConfig's checks");
  return value;
}
