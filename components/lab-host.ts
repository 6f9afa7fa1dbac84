import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { currentGeneration, writtenGeneration } from "../lab/generation.ts";
import type { LabRelease } from "../lab/release.ts";
import type { SshTarget } from "../ssh/target.ts";
import type { HostShare } from "../stacks/plan.ts";
import { projectFile } from "./files.ts";
import type { HostAccess } from "./ssh-host.ts";
import type { SshKey } from "./ssh-key.ts";

/** The network that a lab's hosts and guests share on this machine. */
export interface LabNetwork {
  /** In CIDR notation, as 10.77.0.0/24. No other network of this machine may overlap with it. */
  readonly network: string;
  readonly prefixLength: number;
  /** This machine's own address in it. */
  readonly gateway: string;
  /** The bridge's name on this machine, up to 15 characters. */
  readonly bridge: string;
}

export interface LabHostArgs {
  /** The lab's name: the stack's. Its hosts' state is in /var/lib/kvm-migration-testbed/<lab>. */
  readonly lab: string;
  /** Default: the component's name. */
  readonly hostName?: string;
  readonly network: LabNetwork;
  /** The host's address in that network. */
  readonly address: string;
  /** The key that may log in as root. */
  readonly key: SshKey;
  /** File that gets the host's public key, and loses it when the host is destroyed. */
  readonly knownHostsFile: string;
  /**
   * A path in the host at which a real folder of this machine is mounted: a container's own file system is an
   * overlay, which can't be exported over NFS. Default: none.
   */
  readonly export?: string;
  /** How much of this machine it may take, held by control groups; a change holds at once. Default: all of it. */
  readonly share?: HostShare;
  /** The system that it is made with, for life. Default: debian-12. */
  readonly release?: LabRelease;
  /** It is left as it is: it is to be off. Default: it is started. */
  readonly isOff?: boolean;
  /** It does not run because it was told to, so that it is not to be started again for that. Default: it died if it does not run. */
  readonly isStopped?: boolean;
  /** What must be done before it is started: it is switched on. Default: nothing. */
  readonly switchedBy?: pulumi.Resource;
  /** A host that this one is started after and stopped before: the lab's storage. Default: none. */
  readonly after?: LabHost;
}

/**
 * A container on this machine that behaves like a host of its own: systemd, sshd, libvirtd, an address on the lab's
 * bridge. One that died, by a kill or a reboot of this machine, is started again by the next `pulumi up`, with its disks.
 */
export class LabHost extends pulumi.ComponentResource {
  readonly address: string;
  readonly ssh: pulumi.Output<SshTarget>;
  /** Its public SSH host key, "type key". */
  readonly hostKey: pulumi.Output<string>;
  /** For the components that prepare the host: `new KvmHost("host1", {...labHost.access})`. */
  readonly access: HostAccess;
  readonly #container: command.local.Command;

  constructor(name: string, args: LabHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:LabHost", name, {}, opts);
    const hostName = args.hostName ?? name;

    this.#container = new command.local.Command(
      `${name}-container`,
      {
        create: `bash ${projectFile("lab", "start.sh")}`,
        delete: `bash ${projectFile("lab", "stop.sh")}`,
        environment: labEnvironment({ ...args, hostName }),
        logging: command.local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        dependsOn: [
          ...(args.after ? [args.after.#container] : []),
          ...(args.switchedBy ? [args.switchedBy] : []),
        ],
        ...(args.isOff && { ignoreChanges: ["create", "delete", "environment"] }),
      },
    );

    this.address = args.address;
    const lines = this.#container.stdout.apply((text) => text.split("\n"));
    this.hostKey = lines.apply(([key = ""]) => key);
    this.access = {
      name: hostName,
      address: this.hostKey.apply(() => args.address),
      privateKeyFile: args.key.path,
      privateKey: args.key.privateKey,
      knownHostsFile: args.knownHostsFile,
      hostKey: this.hostKey,
      ...(args.share && { share: { ...args.share, held: lines.apply(([, held = ""]) => held) } }),
      deletedWith: this.#container,
    };
    this.ssh = this.hostKey.apply(() => ({
      name: hostName,
      address: args.address,
      port: 22,
      user: "root",
      privateKeyFile: args.key.path,
      knownHostsFile: args.knownHostsFile,
    }));
    this.registerOutputs({ address: this.address, ssh: this.ssh, hostKey: this.hostKey });
  }
}

/** What start.sh, stop.sh and power.sh are told. */
export const labEnvironment = (
  args: LabHostArgs & { readonly hostName: string },
): Record<string, pulumi.Input<string>> => ({
  LAB: args.lab,
  LAB_HOST: args.hostName,
  LAB_BRIDGE: args.network.bridge,
  LAB_NETWORK: args.network.network,
  LAB_PREFIX: String(args.network.prefixLength),
  LAB_GATEWAY: args.network.gateway,
  LAB_ADDRESS: args.address,
  LAB_EXPORT: args.export ?? "",
  LAB_KNOWN_HOSTS: args.knownHostsFile,
  LAB_AUTHORIZED_KEY: args.key.publicKey,
  LAB_GENERATION: String(
    args.isStopped ? writtenGeneration(args.lab, args.hostName) : currentGeneration(args.lab, args.hostName),
  ),
  ...(args.release && { LAB_RELEASE: args.release }),
  ...(args.share?.memoryMiB !== undefined && { LAB_MEMORY_MIB: String(args.share.memoryMiB) }),
  ...(args.share?.cpus !== undefined && { LAB_CPUS: String(args.share.cpus) }),
});
