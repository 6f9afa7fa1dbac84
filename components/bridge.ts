import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { hostCommand, hostScript } from "../hosts/script.ts";
import { defaultBridge, defaultNetworkName } from "../stacks/defaults.ts";
import { projectFile, projectProgram } from "./files.ts";
import type { KvmHost } from "./kvm-host.ts";

export interface BridgeArgs {
  readonly hosts: readonly KvmHost[];
  /** The bridge's name on every host; one that exists there is used as it is. Default: "br0". */
  readonly bridge?: string;
  /** The interface that joins a new bridge, or "none". Default: the one that the SSH connection comes in over. */
  readonly uplink?: string;
  /** What libvirt calls the network. Default: "testbed". */
  readonly network?: string;
  /**
   * Whether an earlier version of this program declared the networks by themselves: Pulumi takes those away at the end of this update, and
   * the next one, for which this is false, makes them again. No guest needs them meanwhile: it is joined to the bridge. Default: false.
   */
  readonly networkGoes?: boolean;
}

/**
 * The network that guests are on: a bridge on every host, which libvirt knows by one name everywhere, so that a guest
 * finds it wherever it moves. A new bridge is made in the host's own network configuration (systemd-networkd, netplan
 * or ifupdown); one that cuts a host off is taken back by the host itself.
 */
export class Bridge extends pulumi.ComponentResource {
  /** The bridge's name on every host, once it is there. */
  readonly bridge: pulumi.Output<string>;
  /** libvirt's name of the network, once every host has it. */
  readonly network: pulumi.Output<string>;

  constructor(name: string, args: BridgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:Bridge", name, {}, opts);
    const { hosts, bridge = defaultBridge, network = defaultNetworkName } = args;

    const made = hosts.map(({ host, ssh }) => {
      const over = `bash ${projectFile("hosts", "bridge-over.sh")}`;
      const variables = { BRIDGE: bridge, UPLINK: args.uplink ?? "" };
      return new command.local.Command(
        `${name}-${host.hostName}`,
        {
          create: over,
          delete: `${over} remove`,
          environment: {
            HOST_NAME: host.hostName,
            HOST_ADDRESS: ssh.address,
            HOST_PORT: ssh.port.apply(String),
            HOST_USER: ssh.user,
            HOST_KEY_FILE: ssh.apply(({ privateKeyFile }) => privateKeyFile ?? ""),
            KNOWN_HOSTS_FILE: ssh.apply(({ knownHostsFile }) => knownHostsFile ?? ""),
            APPLY: ssh.user.apply((user) => hostCommand("apply", user)),
            REMOVE: ssh.user.apply((user) => hostCommand("remove", user)),
            PLAN_PROGRAM: projectProgram("hosts", "bridge-cli"),
            FIND_SCRIPT: hostScript({ apply: ["bridge-find"] }, variables),
            BRIDGE_SCRIPT: hostScript({ apply: ["bridge"], remove: ["bridge"] }, variables),
            CONFIRM_SCRIPT: hostScript(
              { apply: ["bridge-confirm", "network"], remove: ["network", "bridge-confirm"] },
              { ...variables, NETWORK: network },
            ),
            ...(args.networkGoes && { NETWORK_GOES: "yes" }),
          },
          logging: command.local.Logging.Stderr,
          addPreviousOutputInEnv: false,
        },
        { parent: this, deletedWith: host.deletedWith, ...host.frozen },
      );
    });
    const ids = pulumi.all(made.map(({ id }) => id));
    this.bridge = ids.apply(() => bridge);
    this.network = ids.apply(() => network);
    this.registerOutputs({ bridge: this.bridge, network: this.network });
  }
}
