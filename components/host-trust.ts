import * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "./kvm-host.ts";
import { OnEveryHost } from "./on-every-host.ts";
import type { HostScriptArgs } from "./ssh-host.ts";
import type { SshKey } from "./ssh-key.ts";

export interface HostTrustArgs {
  /** The hosts that trust each other. */
  readonly hosts: readonly KvmHost[];
  /** A key made for this alone: its private half lies on every one of these hosts. */
  readonly key: SshKey;
  /** How many keys were there before this one: each host goes on trusting those until all have the new one. Default: 0. */
  readonly generation?: number;
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
    { hosts, key, generation = 0, migrationPorts = [] }: HostTrustArgs,
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
    const trusting = ({ host }: KvmHost, step: object = {}): HostScriptArgs => {
      const others = hosts.filter((other) => other.host !== host);
      return {
        scripts: ["trust"],
        variables: {
          HOSTS: lines,
          PUBLIC_KEY: key.publicKey,
          PRIVATE_KEY: key.privateKey,
          // A host comes from the address that its route begins with: its migration address, or the one it is managed at.
          FROM: pulumi
            .all(
              others.flatMap((other) => [
                other.migrationAddress,
                other.host.ssh.apply(({ address }) => address),
              ]),
            )
            .apply((addresses) => [...new Set(addresses)].join(" ")),
          ...step,
        },
      };
    };
    const done = hosts.map((each) => {
      const { host } = each;
      const { variables } = trusting(each, generation > 0 ? { STEP: "both" } : {});
      const others = hosts.filter((other) => other.host !== host);
      return host.script(
        `${name}-${host.hostName}`,
        {
          scripts: ["trust", "firewall"],
          remove: ["firewall", "trust"],
          variables: {
            ...variables,
            OPENS_FOR: "hosts",
            PEERS: pulumi
              .all(others.map((other) => other.migrationAddress))
              .apply((peers) => peers.join(" ")),
            TCP_PORTS: host.sshdPort.apply((port) => openPorts(port, migrationPorts)),
          },
        },
        { parent: this },
      );
    });
    const only =
      generation > 0
        ? new OnEveryHost(`${name}-only`, hosts, (host) => trusting(host, { STEP: "only" }), {
            parent: this,
            dependsOn: done,
          })
        : undefined;
    this.ready = pulumi.all([pulumi.all(done.map((each) => each.stdout)), only?.done]).apply(() => true);
    this.registerOutputs({ ready: this.ready });
  }
}

/** libvirt's own range, and what is not in it. */
const openPorts = (ssh: number, migrationPorts: readonly number[]) =>
  [...new Set([ssh, "49152-49215", ...migrationPorts.filter((port) => port < 49152 || port > 49215)])].join(
    " ",
  );
