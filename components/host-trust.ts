import * as pulumi from "@pulumi/pulumi";
import { libvirtPorts } from "../moves/options.ts";
import { throughGate } from "./gate.ts";
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
  /** TCP ports for guests' memory outside 49152 to 49215, libvirt's own range. Default: none. */
  readonly migrationPorts?: readonly number[];
}

/**
 * Lets root on each host log in as root on the others, by name or address, and know their host keys. libvirt's connection from source to
 * destination and the copies of an offline move use this. Where a host's firewall is on, it lets the others in to SSH and to the ports of
 * guests' memory.
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
    const known = throughGate(`${name}-hosts`, addressesOf(hosts), {
      parent: this,
      deletedWith: hosts[0]?.host.deletedWith,
    });
    const trusting = trustOf(known, key);
    const both = generation > 0 ? { STEP: "both" } : {};
    const done = hosts.map((each) => {
      const { host } = each;
      return host.script(
        `${name}-${host.hostName}`,
        {
          scripts: ["trust", "firewall"],
          remove: ["firewall", "trust"],
          variables: {
            ...trusting(each, both).variables,
            OPENS_FOR: "hosts",
            PEERS: othersOf(each, known).apply((others) =>
              others.map(({ migrationAddress }) => migrationAddress).join(" "),
            ),
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

/** How other hosts reach one, and know it. */
interface HostAddresses {
  name: string;
  address: string;
  migrationAddress: string;
  sshdPort: number;
  hostKey: string;
}

/** No secrets, though a host is known once it was logged in to. */
const addressesOf = (hosts: readonly KvmHost[]): pulumi.Output<HostAddresses[]> =>
  pulumi.unsecret(
    pulumi.all(
      hosts.map(({ host, migrationAddress }) =>
        pulumi.output({
          name: host.hostName,
          address: host.ssh.address,
          migrationAddress,
          sshdPort: host.sshdPort,
          hostKey: host.hostKey,
        }),
      ),
    ),
  );

/** What makes a host trust the others, by a key; in steps where there was another one before. */
function trustOf(known: pulumi.Output<HostAddresses[]>, key: SshKey) {
  const lines = known.apply((all) =>
    all.map((each) => `${each.name} ${each.migrationAddress} ${each.sshdPort} ${each.hostKey}`).join("\n"),
  );
  return (each: KvmHost, step: { STEP?: string }): HostScriptArgs => ({
    scripts: ["trust"],
    variables: {
      HOSTS: lines,
      PUBLIC_KEY: key.publicKey,
      PRIVATE_KEY: key.privateKey,
      // A host connects from the address that its route begins with: its migration address, or the one it is managed at.
      FROM: othersOf(each, known).apply((others) =>
        [...new Set(others.flatMap(({ migrationAddress, address }) => [migrationAddress, address]))].join(
          " ",
        ),
      ),
      ...step,
    },
  });
}

const othersOf = ({ host }: KvmHost, known: pulumi.Output<HostAddresses[]>): pulumi.Output<HostAddresses[]> =>
  known.apply((all) => all.filter(({ name }) => name !== host.hostName));

/** libvirt's own range, and what is not in it. */
function openPorts(ssh: number, migrationPorts: readonly number[]): string {
  const { first, last } = libvirtPorts;
  const others = migrationPorts.filter((port) => port < first || port > last);
  return [...new Set([ssh, `${first}-${last}`, ...others])].join(" ");
}
