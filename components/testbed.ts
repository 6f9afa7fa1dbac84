import * as pulumi from "@pulumi/pulumi";
import { platformOf } from "../domain/hardware.ts";
import { localOverlayOf } from "../fleet/overlay.ts";
import { migrationName } from "../moves/target.ts";
import { reasonText } from "../placement/terms/reason.ts";
import { planOfData } from "../stacks/asking/plan-of-data.ts";
import type { StackInput } from "../stacks/config.ts";
import { firstKeys } from "../stacks/key-generation.ts";
import type { GuestPlan, HostPlan, Plan, StoragePlan } from "../stacks/plan.ts";
import { Bridge } from "./bridge.ts";
import { CpuBaseline } from "./cpu-baseline.ts";
import { testbedType } from "./engine-resource.ts";
import { Failover, type Fence } from "./fence.ts";
import { GuestImage } from "./guest-image.ts";
import { HostCluster } from "./host-cluster.ts";
import { HostTls } from "./host-tls.ts";
import { HostTrust } from "./host-trust.ts";
import { KeyGenerationMemory } from "./key-generation.ts";
import { KvmHost } from "./kvm-host.ts";
import { LabHost, type LabHostArgs } from "./lab-host.ts";
import { LoadSampler } from "./load-sampler.ts";
import { Migration } from "./migration.ts";
import { type BaseVolume, NfsPool } from "./nfs-pool.ts";
import {
  type GuestOutput,
  guestOutput,
  type HostOutput,
  hostOutput,
  type MigrationOutput,
  migrationOutput,
  type PolicyOutput,
  policyOutput,
} from "./outputs.ts";
import { isSwitched, plannedFence, plannedPower, wattsOf } from "./planned-power.ts";
import type { HostAccess } from "./ssh-host.ts";
import { SshKey } from "./ssh-key.ts";
import { UbuntuGuest } from "./ubuntu-guest.ts";
import { Uefi } from "./uefi.ts";

/** All of a plan: hosts, their storage and network, guests, and where each guest runs. One in each stack. */
export class Testbed extends pulumi.ComponentResource {
  readonly hosts: Record<string, pulumi.Output<HostOutput>>;
  readonly guests: Record<string, pulumi.Output<GuestOutput>>;
  readonly migrations: Record<string, pulumi.Output<MigrationOutput>>;
  /** Absent: the stack has no policy. */
  readonly policy?: PolicyOutput;

  /**
   * The testbed of a config, which is what stands in a stack's file below `testbed:` (docs/config.md). All that it says is checked before
   * anything is declared, and machines are asked whether they can do it.
   *
   * @throws TestbedConfigError with all mistakes as its message, which the CLI shows without a stack trace
   */
  static async fromConfig(
    name: string,
    config: TestbedConfig,
    opts?: pulumi.ComponentResourceOptions,
  ): Promise<Testbed> {
    return new Testbed(name, await planOfData(name, config), opts);
  }

  constructor(name: string, plan: Plan, opts: pulumi.ComponentResourceOptions = {}) {
    const { type, aliases } = testbedType();
    super(type, name, {}, { ...opts, aliases: [...(opts.aliases ?? []), ...aliases] });
    const child = { parent: this };
    const keys = this.#keys(name, plan);
    const { access, powerOf, fences } = this.#access(plan, keys);
    const storage = access(plan.storage);
    const hosts = plan.hosts.map((host) => this.#host(host, access(host)));
    const pool = this.#pool(name, plan, storage, hosts);
    const bridge = new Bridge(
      `${name}-bridge`,
      {
        hosts,
        bridge: plan.bridge.name,
        uplink: plan.bridge.uplink,
        ...(plan.networkGoes && { networkGoes: true }),
      },
      child,
    );
    if (plan.samplesLoad) new LoadSampler(`${name}-load`, { hosts }, child);
    const trust = this.#trust(name, plan, keys, hosts);
    const platform = new CpuBaseline(`${name}-platform`, { hosts }, child);
    const tls = this.#tls(name, plan, keys, hosts);
    // A guest may be moved as soon as it is there: by then the hosts must trust each other.
    const ready = [trust.ready, ...(tls ? [tls.ready] : [])];
    const mayBeOff = [...plan.off.map(({ host }) => host), ...plan.lost];
    const cluster = new HostCluster(
      `${name}-cluster`,
      {
        hosts,
        pool,
        bridge,
        platform,
        ready,
        mayBeOff,
        areOff: leftAlone(plan),
        cpuModels: cpuModelsOf(plan),
      },
      child,
    );

    const imageOf = this.#images(name, plan, pool);
    const uefi = this.#uefi(name, plan, hosts);
    const shared = { key: keys.login, cluster, deletedWith: storage.deletedWith };
    const machines = plan.guests.map((guest) => {
      const { image, base } = imageOf(guest);
      return { guest, machine: this.#guest(guest, base, image.user, shared, uefi), user: image.user };
    });
    const migrations = new Map<string, Migration>();
    // Those that make room for others are declared first, whatever their order in the config.
    const migrationOf = ({ guest, machine }: (typeof machines)[number]): Migration => {
      const known = migrations.get(guest.name);
      if (known) return known;
      const first = machines.filter((other) => guest.after?.includes(other.guest.name)).map(migrationOf);
      const migration = this.#migration(guest, machine, first, plan, shared);
      migrations.set(guest.name, migration);
      return migration;
    };
    const made = machines.map((one) => ({ ...one, migration: migrationOf(one) }));

    for (const { guest, machine } of made)
      this.#failover(guest, machine, hosts, fences, plan, storage.deletedWith);
    // A host goes off once all guests are where they should be.
    const placed = [cluster, ...made.map(({ migration }) => migration)];
    for (const host of plan.hosts)
      if (host.power?.desired === "off") powerOf(host, { parent: this, dependsOn: placed });

    this.hosts = byName(
      plan.hosts.map(
        (host, at) => [host.name, hostOutput(hosts[at] as KvmHost, pool, host, plan.decision)] as const,
      ),
    );
    this.guests = byName(
      made.map(
        ({ guest, machine, migration, user }) =>
          [guest.name, guestOutput(guest, machine, migration, user, hosts)] as const,
      ),
    );
    this.migrations = byName(
      made.map(({ guest, migration }) => [guest.name, migrationOutput(migration)] as const),
    );
    const isSwitching = plan.hosts.some(({ power }) => power && power.isOff !== (power.desired === "off"));
    const policy = plan.decision && policyOutput(plan.decision, isSwitching ? wattsOf(plan) : undefined);
    if (policy) this.policy = policy;
    this.registerOutputs({});
  }

  /** The keys that this program logs in with and that hosts know each other by. */
  #keys(name: string, { stack, keys }: Plan): Keys {
    const child = { parent: this };
    const folder = folderOf(stack);
    const login = new SshKey(`${name}-key`, { path: `${folder}/id_ed25519` }, child);
    const first = new SshKey(`${name}-trust-key`, { path: `${folder}/hosts_ed25519` }, child);
    const { generation } = keys ?? firstKeys;
    if (keys && generation > 0) new KeyGenerationMemory(`${name}-key-generation`, keys, child);
    // A key of its own name: the former one goes when all hosts have it.
    const trust =
      generation === 0
        ? first
        : new SshKey(
            `${name}-trust-key-${generation}`,
            { path: `${folder}/hosts_ed25519-${generation}` },
            child,
          );
    // The stack's name could also be another person's. The first key tells them apart, even once it opens nothing any more: machines are
    // claimed for it.
    return { login, trust, generation, testbed: pulumi.interpolate`${stack} ${first.fingerprint}` };
  }

  /** How each machine is reached, and switched; in the lab it is made for that, the storage host first: it is stopped last. */
  #access(plan: Plan, { login, testbed }: Keys) {
    const labArgs = ({ name: hostName, ssh, ...machine }: HostPlan | StoragePlan) =>
      plan.lab && {
        lab: plan.stack,
        hostName,
        network: plan.lab,
        address: ssh.address,
        key: login,
        knownHostsFile: `${folderOf(plan.stack)}/known_hosts`,
        ...("share" in machine && machine.share && { share: machine.share }),
        ...(machine.release && { release: machine.release }),
        // One that was switched off is no dead one.
        ...("power" in machine && machine.power?.isOff && { isStopped: true }),
      };
    const container = (machine: HostPlan | StoragePlan, more: Partial<LabHostArgs>) => {
      const args = labArgs(machine);
      return args && new LabHost(`${machine.name}-lab`, { ...args, ...more }, { parent: this });
    };
    const powerOf = (host: HostPlan, opts: pulumi.CustomResourceOptions) =>
      isSwitched(host)
        ? plannedPower(plan, host, labArgs(host), {
            ...opts,
            ...(storage && { deletedWith: storage.access.deletedWith }),
          })
        : undefined;
    const storage = container(plan.storage, { export: plan.storage.export });
    const before = { parent: this, dependsOn: [storage ?? login] };
    const fences = new Map(
      plan.hosts.flatMap((host) =>
        host.fence
          ? [
              [
                host.name,
                plannedFence(plan, { ...host, fence: host.fence }, labArgs(host), {
                  ...before,
                  ...(storage && { deletedWith: storage.access.deletedWith }),
                }),
              ] as const,
            ]
          : [],
      ),
    );
    const left = leftAlone(plan);
    const access = (machine: HostPlan | StoragePlan): HostAccess => {
      // No guest is started, nor anything served, before lost hosts are fenced.
      const fenced = machine === plan.storage && fences.size > 0 && { after: [...fences.values()] };
      if (machine === plan.storage && storage) return { ...storage.access, testbed, ...fenced };
      const power = isSwitched(machine) ? machine.power : undefined;
      const isOff = left.includes(machine.name);
      const after = power?.desired === "on" ? powerOf(machine as HostPlan, before) : undefined;
      const lab = container(machine, {
        isOff,
        ...(storage && { after: storage }),
        ...(after && { switchedBy: after }),
      });
      const isUnseen = lab === undefined && !machine.boot;
      return {
        ...(lab?.access ?? metalReach(machine)),
        testbed,
        isOff,
        // Which of its starts it is in is known once it is on.
        ...(after && { after: [after], ...(isUnseen && { boot: after.boot }) }),
        ...fenced,
      };
    };
    return { access, powerOf, fences };
  }

  #host({ name, migrationAddress, accelerator }: HostPlan, access: HostAccess): KvmHost {
    return new KvmHost(name, { ...access, name, migrationAddress, accelerator }, { parent: this });
  }

  #pool(
    name: string,
    { storage: { export: folder, address, transport, pool, existing }, lost }: Plan,
    storage: HostAccess,
    hosts: readonly KvmHost[],
  ): NfsPool {
    return new NfsPool(
      `${name}-pool`,
      {
        ...{ storage, hosts, export: folder, serverAddress: address, transport, fenced: lost },
        pool,
        ...(existing && { existing }),
      },
      { parent: this },
    );
  }

  #trust(name: string, { guests }: Plan, { trust, generation }: Keys, hosts: readonly KvmHost[]): HostTrust {
    const migrationPorts = [...new Set(guests.flatMap(({ migration }) => migration.port ?? []))];
    const args = { hosts, key: trust, generation, migrationPorts };
    return new HostTrust(`${name}-trust`, args, { parent: this });
  }

  /** Certificates, if a guest's memory is to go over TLS. */
  #tls(name: string, { guests }: Plan, { generation }: Keys, hosts: readonly KvmHost[]): HostTls | undefined {
    const isUsed = guests.some(({ migration }) => migration.transport === "tls");
    return isUsed ? new HostTls(`${name}-tls`, { hosts, generation }, { parent: this }) : undefined;
  }

  /** UEFI, if a guest is to have it. */
  #uefi(name: string, { guests }: Plan, hosts: readonly KvmHost[]): Uefi | undefined {
    const isUsed = guests.some(({ firmware }) => firmware === "uefi");
    return isUsed ? new Uefi(`${name}-uefi`, { hosts }, { parent: this }) : undefined;
  }

  /**
   * The image and base of each guest: guests that need the same programs share one. So a guest that comes with other needs changes nothing
   * for those that are there.
   */
  #images(name: string, plan: Plan, pool: NfsPool) {
    const made = new Map<string, { image: GuestImage; base: BaseVolume }>();
    return ({ programs }: GuestPlan) => {
      const suffix = programs.map((program) => `-${program}`).join("");
      const known = made.get(suffix);
      if (known) return known;
      const image = new GuestImage(`${name}-image${suffix}`, { ...plan.image, programs }, { parent: this });
      const own = { image, base: pool.base(`${name}-pool-base${suffix}`, image) };
      made.set(suffix, own);
      return own;
    };
  }

  #guest(
    guest: GuestPlan,
    base: BaseVolume,
    user: pulumi.Input<string>,
    { key, cluster }: Shared,
    uefi: Uefi | undefined,
  ): UbuntuGuest {
    const { vnc, firmware } = guest;
    return new UbuntuGuest(
      guest.name,
      {
        ...guest,
        ...(vnc && { vnc: { ...vnc, ...(vnc.password && { password: pulumi.secret(vnc.password) }) } }),
        ...(firmware === "uefi" && uefi && { uefi }),
        user,
        key,
        cluster,
        base,
      },
      { parent: this },
    );
  }

  /** Writes down how long a guest of a lost host was away, once it answers. */
  #failover(
    { name, host: to, reason }: GuestPlan,
    machine: UbuntuGuest,
    hosts: readonly KvmHost[],
    fences: ReadonlyMap<string, Fence>,
    { stack }: Plan,
    deletedWith: pulumi.Resource | undefined,
  ): void {
    const from = reason?.kind === "lost" ? reason.host : undefined;
    const fence = from === undefined ? undefined : fences.get(from);
    const host = hosts.find(({ host: { hostName } }) => hostName === to);
    if (from === undefined || !fence || !host) return;
    const opts = { parent: this, dependsOn: [machine], ...(deletedWith && { deletedWith }) };
    new Failover(`${name}-failover`, { guest: name, from, to, ssh: host.ssh, fence, stack }, opts);
  }

  /** Where a guest runs. */
  #migration(
    guest: GuestPlan,
    machine: UbuntuGuest,
    first: readonly Migration[],
    plan: Plan,
    { cluster, deletedWith }: Shared,
  ): Migration {
    const { drift, slo, ...options } = guest.migration;
    const { spec } = machine.domain;
    return new Migration(
      migrationName(guest.name),
      {
        guest: guest.name,
        uuid: machine.domain.id,
        to: guest.host,
        ...(guest.reason && { reason: reasonText(guest.reason) }),
        ...(guest.after && { after: guest.after }),
        ...(guest.turn !== undefined && { turn: guest.turn }),
        ...(guest.others !== undefined && { others: guest.others }),
        ...(guest.isFree && plan.decision && { decision: plan.decision.at }),
        options,
        ...(slo && { slo }),
        // Where a policy's guest is counts as where it belongs, so what differs from that is the policy's wish.
        drift: guest.isFree ? "return" : drift,
        drained: plan.drained,
        conditions: pulumi.all([spec, cluster.common.transport]).apply(([{ accelerator }, nfsTransport]) => ({
          memoryMiB: guest.memoryMiB,
          ...(guest.workload.type !== "idle" && { workload: guest.workload }),
          accelerator,
          nfsTransport,
          ...(guest.redo === "local" && { redo: "local" as const }),
        })),
        ...(guest.redo === "local" && { redo: spec.apply(({ storage }) => localOverlayOf(storage)) }),
        address: machine.address,
        platform: spec.apply(platformOf),
        concurrentPerHost: plan.concurrentPerHost,
        fleet: cluster.fleet,
        stack: plan.stack,
      },
      // It moves what runs, not what still boots.
      { parent: this, dependsOn: [machine, ...first], deletedWith },
    );
  }
}

/** A stack's config as plain data; values of it may be outputs, as of `config.requireSecret`. */
export type TestbedConfig = pulumi.Input<InputsOf<StackInput>>;

type InputsOf<T> = T extends object ? { [Key in keyof T]: pulumi.Input<InputsOf<T[Key]>> } : T;

interface Keys {
  /** What this program logs in with. */
  login: SshKey;
  /** What hosts know each other by. */
  trust: SshKey;
  /** How many were there before that one. */
  generation: number;
  /** What machines are claimed for. */
  testbed: pulumi.Output<string>;
}

/** What all guests have in common. */
interface Shared {
  key: SshKey;
  cluster: HostCluster;
  deletedWith: pulumi.Resource | undefined;
}

/** Hosts of which nothing is asked: they are off, or lost. */
const leftAlone = ({ hosts }: Plan): string[] =>
  hosts
    .filter(({ fence, power }) => fence || (power?.desired === "off" && power.isOff))
    .map(({ name }) => name);

/** CPU models that guests name. */
const cpuModelsOf = ({ guests }: Plan): string[] =>
  [...new Set(guests.flatMap(({ cpu }) => cpu ?? []))].sort();

/** What the testbed makes for a stack on this machine. */
const folderOf = (stack: string) => `.testbed/${stack}`;

/** Machines that are there already. */
function metalReach({ name, ssh, boot }: HostPlan | StoragePlan): HostAccess {
  const { address, port, user, privateKeyFile, knownHostsFile, hostName, jump, identityAgent, libvirtName } =
    ssh;
  return {
    name,
    address,
    port,
    user,
    ...(privateKeyFile && { privateKeyFile }),
    ...(knownHostsFile && { knownHostsFile, knownHosts: "accept-new" }),
    ...(hostName && { hostName }),
    ...(jump && { jump }),
    ...(identityAgent && { identityAgent }),
    ...(libvirtName && { libvirtName }),
    ...(boot && { boot }),
  };
}

const byName = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries(entries);
