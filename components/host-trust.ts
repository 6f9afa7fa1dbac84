import * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "./kvm-host.ts";
import type { SshKey } from "./ssh-key.ts";

export interface HostTrustArgs {
  /** The hosts that trust each other. */
  readonly hosts: readonly KvmHost[];
  /** A key made for this alone: its private half lies on every one of these hosts. */
  readonly key: SshKey;
  /** TCP ports for guests' memory besides 49152 to 49215, of which libvirt takes one by itself. Default: none. */
  readonly migrationPorts?: readonly number[];
}

/**
 * Lets root on each host log in as root on the others, by name or address, knowing their host keys: the way of libvirt's connection
 * from source to destination, and of the copies of an offline move. Where a host's firewall is on, it lets the others in to SSH and to
 * the ports of guests' memory.
 */
export class HostTrust extends pulumi.ComponentResource {
  /** Resolves when every host trusts every other. */
  readonly ready: pulumi.Output<boolean>;

  constructor(
    name: string,
    { hosts, key, migrationPorts = [] }: HostTrustArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("testbed:index:HostTrust", name, {}, opts);
    const lines = pulumi
      .all(
        hosts.map(({ host, migrationAddress }) => [
          host.hostName,
          migrationAddress,
          host.sshdPort,
          host.hostKey,
        ]),
      )
      .apply((all) => all.map((host) => host.join(" ")))
      .apply((all) => all.join("\n"));
    const done = hosts.map(({ host }) =>
      host.script(
        `${name}-${host.hostName}`,
        {
          scripts: ["trust", "firewall"],
          remove: ["firewall", "trust"],
          variables: {
            HOSTS: lines,
            PUBLIC_KEY: key.publicKey,
            PRIVATE_KEY: key.privateKey,
            // A host comes from the address that its route begins with: its migration address, or the one it is managed at.
            FROM: pulumi
              .all(
                hosts
                  .filter((other) => other.host !== host)
                  .flatMap((other) => [
                    other.migrationAddress,
                    other.host.ssh.apply(({ address }) => address),
                  ]),
              )
              .apply((addresses) => [...new Set(addresses)].join(" ")),
            OPENS_FOR: "hosts",
            PEERS: pulumi
              .all(hosts.filter((other) => other.host !== host).map((other) => other.migrationAddress))
              .apply((peers) => peers.join(" ")),
            TCP_PORTS: host.sshdPort.apply((port) => openPorts(port, migrationPorts)),
          },
        },
        { parent: this },
      ),
    );
    this.ready = pulumi.all(done.map((each) => each.stdout)).apply(() => true);
    this.registerOutputs({ ready: this.ready });
  }
}

/** libvirt's own range, and what is not in it. */
const openPorts = (ssh: number, migrationPorts: readonly number[]) =>
  [...new Set([ssh, "49152-49215", ...migrationPorts.filter((port) => port < 49152 || port > 49215)])].join(
    " ",
  );
