import * as pulumi from "@pulumi/pulumi";
import { type Fleet, intentDirectoryOf } from "../fleet/fleet.ts";
import { type FleetReference, fleetPageOf } from "../fleet/fleet-page.ts";
import type { Common } from "../provider/cluster-resource.ts";
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
  /** Hosts that may be switched off. Default: none. */
  readonly mayBeOff?: readonly string[];
  /** Hosts that are off now. Default: none. */
  readonly areOff?: readonly string[];
  /** CPU models that guests name: a host that lacks one is refused. Default: none. */
  readonly cpuModels?: readonly string[];
}

/**
 * Hosts between which guests move, ready for them: with one storage, one network and one virtual platform. A guest depends on this alone,
 * and names it; so what Pulumi keeps of a guest does not grow with the number of hosts.
 */
export class HostCluster extends EngineResource {
  /** What Domain and Migration are told of the hosts. */
  readonly fleet: pulumi.Output<FleetReference>;
  readonly pool: NfsPool;
  /** What all guests have in common, wherever they are: as its `NfsPool`, `Bridge` and `CpuBaseline` have it. */
  declare readonly common: pulumi.Output<Common>;

  constructor(name: string, args: HostClusterArgs, opts?: pulumi.CustomResourceOptions) {
    const { pool, bridge, platform, ready = [], mayBeOff = [], areOff = [], cpuModels = [] } = args;
    const { accelerator, machine, cpuXml } = platform;
    const { transport, server } = pool;
    // One property: Pulumi keeps of each what it depends on, which is everything on every host.
    const common = pulumi
      .all([
        { hosts: hostsOf(args.hosts), storage: storageOf(pool), accelerator, machine, cpuXml },
        { transport, server, bridge: bridge.bridge },
        pulumi.all([...ready]),
      ])
      .apply(([machines, rest]): Common => ({ ...machines, ...rest, page: fleetPageOf(machines.hosts) }));
    super(
      "cluster",
      name,
      // There is no secret in it, though it depends on commands that were given one.
      {
        common: pulumi.unsecret(common),
        earlier: undefined,
        ...(mayBeOff.length > 0 && { mayBeOff }),
        ...(areOff.length > 0 && { areOff }),
        ...(cpuModels.length > 0 && { cpuModels }),
      },
      { deletedWith: pool.storage.deletedWith, ...opts },
    );
    this.pool = pool;
    this.fleet = this.common.apply(({ storage, page }) => ({ storage, pages: [page] }));
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
    intentDirectory: intentDirectoryOf(pool.export),
    formerDirectory: `${pool.export}/.migrations`,
  }));
