import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "./kvm-host.ts";

export interface BridgeArgs {
  readonly hosts: readonly KvmHost[];
  /** The bridge's name on every host; one that exists there is used as it is. Default: "br0". */
  readonly bridge?: string;
  /** The interface that joins a new bridge. Default: the one that the SSH connection comes in over. */
  readonly uplink?: string;
  /** What libvirt calls the network. Default: "testbed". */
  readonly network?: string;
}

/**
 * The network that guests are on: a bridge on every host, which libvirt knows by one name everywhere, so that a guest
 * finds it wherever it moves. A new bridge that cuts a host off is taken back by the host itself.
 */
export class Bridge extends pulumi.ComponentResource {
  /** The bridge's name on every host, once it is there. */
  readonly bridge: pulumi.Output<string>;
  /** libvirt's name of the network, once every host has it. */
  readonly network: pulumi.Output<string>;

  constructor(name: string, args: BridgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:Bridge", name, {}, opts);
    const { hosts, bridge = "br0", network = "testbed" } = args;

    const made = hosts.map(({ host, provider }) => {
      const bridgeName = `${name}-${host.hostName}`;
      const begun = host.script(
        bridgeName,
        {
          scripts: ["bridge"],
          remove: ["bridge"],
          variables: { BRIDGE: bridge, UPLINK: args.uplink ?? "" },
        },
        { parent: this },
      );
      // A connection of its own: that it can be made is what it has to say.
      const confirmed = host.script(
        `${bridgeName}-confirm`,
        { scripts: ["bridge-confirm"], variables: { BRIDGE: bridge } },
        { parent: this, dependsOn: [begun] },
      );
      return new libvirt.Network(
        `${bridgeName}-network`,
        { name: network, mode: "bridge", bridge, autostart: true },
        { parent: this, provider, deletedWith: host.deletedWith, dependsOn: [confirmed] },
      );
    });
    const ids = pulumi.all(made.map(({ id }) => id));
    this.bridge = ids.apply(() => bridge);
    this.network = ids.apply(() => network);
    this.registerOutputs({ bridge: this.bridge, network: this.network });
  }
}
