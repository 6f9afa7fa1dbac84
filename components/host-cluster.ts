import * as pulumi from "@pulumi/pulumi";
import type { Fleet } from "../fleet/fleet.ts";
import { type FleetReference, pageOf } from "../fleet/fleet-page.ts";
import type { Bridge } from "./bridge.ts";
import type { CpuBaseline } from "./cpu-baseline.ts";
import { EngineResource } from "./engine-resource.ts";
import type { KvmHost } from "./kvm-host.ts";
import type { NfsPool } from "./nfs-pool.ts";

export interface HostClusterArgs {
  readonly hosts: readonly KvmHost[];
  readonly pool: NfsPool;
  readonly bridge: Bridge;
  readonly platform: CpuBaseline;
  /** What else must be there before a guest comes: the hosts' trust in each other. Default: nothing. */
  readonly ready?: readonly pulumi.Input<unknown>[];
}

/**
 * Hosts between which guests move, ready for them: with one storage, one network and one virtual platform. A guest depends on this alone,
 * and names it; so what Pulumi keeps of a guest does not grow with the number of hosts.
 */
export class HostCluster extends EngineResource {
  /** What Domain and Migration are told of the hosts. */
  readonly fleet: pulumi.Output<FleetReference>;
  readonly pool: NfsPool;
  /** As its `NfsPool`, `Bridge` and `CpuBaseline` have them. */
  declare readonly accelerator: pulumi.Output<"kvm" | "tcg">;
  declare readonly machine: pulumi.Output<string>;
  declare readonly cpuXml: pulumi.Output<string>;
  declare readonly transport: pulumi.Output<"kernel" | "userspace">;
  declare readonly server: pulumi.Output<string>;
  declare readonly bridge: pulumi.Output<string>;
  declare readonly storage: pulumi.Output<Fleet["storage"]>;
  declare readonly page: pulumi.Output<string>;

  constructor(name: string, args: HostClusterArgs, opts?: pulumi.CustomResourceOptions) {
    const { pool, bridge, platform, ready = [] } = args;
    const hosts = hostsOf(args.hosts);
    const { accelerator, machine, cpuXml } = platform;
    const inputs = pulumi
      .all([
        { hosts, storage: storageOf(pool), accelerator, machine, cpuXml },
        { transport: pool.transport, server: pool.server, bridge: bridge.bridge },
        pulumi.all([...ready]),
      ])
      .apply(([machines, rest]) => ({ ...machines, ...rest, page: pageOf(machines.hosts) }));
    const of = <Key extends keyof pulumi.Unwrap<typeof inputs>>(key: Key) => inputs.apply((all) => all[key]);
    super(
      "cluster",
      name,
      {
        // Addresses and names of key files are no secrets, though they depend on commands that were given one.
        hosts: pulumi.unsecret(of("hosts")),
        storage: pulumi.unsecret(of("storage")),
        page: pulumi.unsecret(of("page")),
        ...{ accelerator: of("accelerator"), machine: of("machine"), cpuXml: of("cpuXml") },
        ...{ transport: of("transport"), server: of("server"), bridge: of("bridge") },
        earlier: undefined,
      },
      { deletedWith: pool.storage.deletedWith, ...opts },
    );
    this.pool = pool;
    this.fleet = pulumi
      .all([this.storage, this.page])
      .apply(([storage, page]) => ({ storage, pages: [page] }));
  }
}

const hostsOf = (hosts: readonly KvmHost[]): pulumi.Output<Fleet["hosts"]> =>
  pulumi
    .all(
      hosts.map(({ host, ssh, migrationAddress }) =>
        pulumi
          .all([ssh, migrationAddress])
          .apply(([ssh, peerAddress]) => [host.hostName, { ssh, peerAddress }] as const),
      ),
    )
    .apply((entries) => Object.fromEntries(entries));

const storageOf = (pool: NfsPool): pulumi.Output<Fleet["storage"]> =>
  pool.storage.ssh.apply((ssh) => ({
    ssh,
    intentDirectory: `/var/lib/kvm-migration-testbed/moves/${pool.export.slice(1).replaceAll("/", "-")}`,
    formerDirectory: `${pool.export}/.migrations`,
  }));
