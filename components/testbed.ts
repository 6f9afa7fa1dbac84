import * as pulumi from "@pulumi/pulumi";
import { platformOf } from "../domain/hardware.ts";
import { localRedoOf } from "../fleet/redo-log.ts";
import type { MigrationRecord } from "../moves/record.ts";
import { reasonText } from "../placement/reason.ts";
import { firstKeys } from "../stacks/key-generation.ts";
import type { GuestPlan, HostPlan, Plan, StoragePlan } from "../stacks/plan.ts";
import { Bridge } from "./bridge.ts";
import { CpuBaseline } from "./cpu-baseline.ts";
import { fleetOf } from "./fleet.ts";
import { GuestImage } from "./guest-image.ts";
import { HostTls } from "./host-tls.ts";
import { HostTrust } from "./host-trust.ts";
import { KeyGenerationMemory } from "./key-generation.ts";
import { KvmHost } from "./kvm-host.ts";
import { LabHost } from "./lab-host.ts";
import { Migration } from "./migration.ts";
import { type BaseVolume, NfsPool } from "./nfs-pool.ts";
import type { HostAccess } from "./ssh-host.ts";
import { SshKey } from "./ssh-key.ts";
import { UbuntuGuest } from "./ubuntu-guest.ts";

/** What a stack's `hosts.<name>` output says. */
export interface HostOutput {
  address: string;
  accelerator: "kvm" | "tcg";
  nfsTransport: "kernel" | "userspace";
  cpuModel: string;
  memoryMiB: number;
  qemu: string;
  libvirt: string;
  kernel: string;
}

/** What a stack's `guests.<name>` output says. */
export interface GuestOutput {
  uuid: string;
  /** Where it runs. */
  host: string;
  state: string;
  /** Empty when it comes by DHCP. */
  address: string;
  /** Who to log in as, over SSH, with the key .testbed/<stack>/id_ed25519. */
  user: string;
  /** Such as `10.77.0.11:5901`; it moves along with the guest. Absent: no display. */
  vnc?: string;
  memoryMiB: number;
}

/** What a stack's `migrations.<name>` output says. */
export interface MigrationOutput {
  host: string;
  moves: number;
  last?: MigrationRecord;
  /** Newest first, at most 50; results/<stack>.jsonl has all. */
  history: MigrationRecord[];
}

/** All of a plan: hosts, their storage and network, guests, and where each guest runs. */
export class Testbed extends pulumi.ComponentResource {
  readonly hosts: Record<string, pulumi.Output<HostOutput>>;
  readonly guests: Record<string, pulumi.Output<GuestOutput>>;
  readonly migrations: Record<string, pulumi.Output<MigrationOutput>>;

  constructor(name: string, plan: Plan, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:Testbed", name, {}, opts);
    const child = { parent: this };
    const folder = `.testbed/${plan.stack}`;
    const key = new SshKey(`${name}-key`, { path: `${folder}/id_ed25519` }, child);
    const firstTrustKey = new SshKey(`${name}-trust-key`, { path: `${folder}/hosts_ed25519` }, child);
    const { generation } = plan.keys ?? firstKeys;
    if (plan.keys && generation > 0) new KeyGenerationMemory(`${name}-key-generation`, plan.keys, child);
    // A key of its own name: the former one goes when all hosts have it.
    const trustKey =
      generation === 0
        ? firstTrustKey
        : new SshKey(
            `${name}-trust-key-${generation}`,
            { path: `${folder}/hosts_ed25519-${generation}` },
            child,
          );

    // The name alone could be that of another person's stack. It is the first key that tells them apart, also when it opens nothing any
    // more: machines are claimed for it.
    const testbed = pulumi.interpolate`${plan.stack} ${firstTrustKey.fingerprint}`;
    const access = plan.lab ? this.#labReach(plan, plan.lab, key, folder) : metalReach;
    const reach = (machine: HostPlan | StoragePlan): HostAccess => ({ ...access(machine), testbed });
    const storageAccess = reach(plan.storage);
    const hosts = plan.hosts.map(
      (host) =>
        new KvmHost(
          host.name,
          {
            ...reach(host),
            name: host.name,
            migrationAddress: host.migrationAddress,
            accelerator: host.accelerator,
          },
          child,
        ),
    );
    const pool = new NfsPool(
      `${name}-pool`,
      {
        storage: storageAccess,
        hosts,
        export: plan.storage.export,
        serverAddress: plan.storage.address,
        transport: plan.storage.transport,
      },
      child,
    );
    const images = this.#images(`${name}`, plan, pool);
    const bridge = new Bridge(
      `${name}-bridge`,
      { hosts, bridge: plan.bridge.name, uplink: plan.bridge.uplink },
      child,
    );
    const migrationPorts = [...new Set(plan.guests.flatMap(({ migration }) => migration.port ?? []))];
    const trust = new HostTrust(`${name}-trust`, { hosts, key: trustKey, generation, migrationPorts }, child);
    const platform = new CpuBaseline(`${name}-platform`, { hosts }, child);
    const overTls = plan.guests.some(({ migration }) => migration.transport === "tls");
    const tls = overTls ? new HostTls(`${name}-tls`, { hosts, generation }, child) : undefined;
    // A guest may be moved as soon as it is there: by then the hosts must trust each other.
    const fleet = pulumi.unsecret(
      pulumi.all([fleetOf(hosts, pool), trust.ready, tls?.ready]).apply(([known]) => known),
    );

    const made = plan.guests.map((guest) => {
      const { vnc } = guest;
      const { image, base } = images(guest);
      const machine = new UbuntuGuest(
        guest.name,
        {
          ...guest,
          ...(vnc && { vnc: { ...vnc, ...(vnc.password && { password: pulumi.secret(vnc.password) }) } }),
          user: image.user,
          key,
          pool,
          base,
          bridge,
          platform,
          fleet,
        },
        child,
      );
      const { drift, ...options } = guest.migration;
      const migration = new Migration(
        `${guest.name}-migration`,
        {
          guest: guest.name,
          uuid: machine.domain.id,
          to: guest.host,
          ...(guest.reason && { reason: reasonText(guest.reason) }),
          options,
          drift,
          drained: plan.drained,
          conditions: pulumi
            .all([machine.domain.spec, pool.transport])
            .apply(([{ accelerator }, nfsTransport]) => ({
              memoryMiB: guest.memoryMiB,
              ...(guest.workload.type !== "idle" && { workload: guest.workload }),
              accelerator,
              nfsTransport,
              ...(guest.redo === "local" && { redo: "local" as const }),
            })),
          ...(guest.redo === "local" && {
            redo: machine.domain.spec.apply(({ storage }) => localRedoOf(storage)),
          }),
          address: machine.address,
          platform: machine.domain.spec.apply(platformOf),
          concurrentPerHost: plan.concurrentPerHost,
          fleet,
          stack: plan.stack,
        },
        // It moves what runs, not what still boots.
        { ...child, dependsOn: [machine], deletedWith: storageAccess.deletedWith },
      );
      return { guest, machine, migration, user: image.user };
    });

    this.hosts = byName(hosts.map((host) => [host.host.hostName, hostOutput(host, pool)] as const));
    this.guests = byName(
      made.map(
        ({ guest, machine, migration, user }) =>
          [guest.name, guestOutput(guest, machine, migration, user, hosts)] as const,
      ),
    );
    this.migrations = byName(
      made.map(({ guest, migration }) => [guest.name, migrationOutput(migration)] as const),
    );
    this.registerOutputs({ hosts: this.hosts, guests: this.guests, migrations: this.migrations });
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

  /** Makes the lab's containers, the storage host first: it is stopped last. */
  #labReach(plan: Plan, network: NonNullable<Plan["lab"]>, key: SshKey, folder: string) {
    const container = (machine: HostPlan | StoragePlan, more: { export?: string; after?: LabHost }) =>
      new LabHost(
        `${machine.name}-lab`,
        {
          lab: plan.stack,
          hostName: machine.name,
          network,
          address: machine.ssh.address,
          key,
          knownHostsFile: `${folder}/known_hosts`,
          ...more,
        },
        { parent: this },
      );
    const storage = container(plan.storage, { export: plan.storage.export });
    return (machine: HostPlan | StoragePlan): HostAccess =>
      machine === plan.storage ? storage.access : container(machine, { after: storage }).access;
  }
}

/** Machines that are there already. */
function metalReach({ name, ssh, boot }: HostPlan | StoragePlan): HostAccess {
  const { address, port, user, privateKeyFile, knownHostsFile, hostName, jump, identityAgent } = ssh;
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
    ...(boot && { boot }),
  };
}

const byName = <T>(entries: readonly (readonly [string, T])[]): Record<string, T> =>
  Object.fromEntries(entries);

const hostOutput = ({ facts }: KvmHost, pool: NfsPool): pulumi.Output<HostOutput> =>
  pulumi.all([facts, pool.transport]).apply(([known, nfsTransport]) => ({
    address: known.address,
    accelerator: known.accelerator,
    nfsTransport,
    cpuModel: known.cpuModel,
    memoryMiB: known.memoryMiB,
    qemu: known.qemu,
    libvirt: known.libvirt,
    kernel: known.kernel,
  }));

function guestOutput(
  { memoryMiB, vnc }: GuestPlan,
  { uuid, domain, address }: UbuntuGuest,
  migration: Migration,
  user: pulumi.Output<string>,
  hosts: readonly KvmHost[],
): pulumi.Output<GuestOutput> {
  const addresses = pulumi.all(
    hosts.map(({ host, facts }) => facts.apply((known) => [host.hostName, known.address] as const)),
  );
  return pulumi
    .all([uuid, migration.host, domain.state, address, user, addresses])
    .apply(([id, host, state, guestAddress, login, known]) => ({
      uuid: id,
      host,
      state,
      address: guestAddress,
      user: login,
      ...(vnc && { vnc: `${new Map(known).get(host) ?? host}:${vnc.port}` }),
      memoryMiB,
    }));
}

const migrationOutput = ({ host, moves, history }: Migration): pulumi.Output<MigrationOutput> =>
  pulumi.all([host, moves, history]).apply(([where, count, records]) => ({
    host: where,
    moves: count,
    ...(records[0] && { last: records[0] }),
    history: records,
  }));
