import * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "./kvm-host.ts";
import type { SshKey } from "./ssh-key.ts";

export interface HostTrustArgs {
  /** The hosts that trust each other. */
  readonly hosts: readonly KvmHost[];
  /** A key made for this alone: its private half lies on every one of these hosts. */
  readonly key: SshKey;
}

/**
 * Lets root on each host log in as root on the others, by name or address, knowing their host keys: the way of
 * libvirt's connection from source to destination, and of the copies of an offline move.
 */
export class HostTrust extends pulumi.ComponentResource {
  /** Resolves when every host trusts every other. */
  readonly ready: pulumi.Output<boolean>;

  constructor(name: string, { hosts, key }: HostTrustArgs, opts?: pulumi.ComponentResourceOptions) {
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
          scripts: ["trust"],
          remove: ["trust"],
          variables: { HOSTS: lines, PUBLIC_KEY: key.publicKey, PRIVATE_KEY: key.privateKey },
        },
        { parent: this },
      ),
    );
    this.ready = pulumi.all(done.map((each) => each.stdout)).apply(() => true);
    this.registerOutputs({ ready: this.ready });
  }
}
