import * as pulumi from "@pulumi/pulumi";
import { type HostFacts, parseProbe } from "../hosts/facts.ts";
import type { SshTarget } from "../ssh/target.ts";
import { type HostAccess, SshHost } from "./ssh-host.ts";

export interface KvmHostArgs extends HostAccess {
  /** Where other hosts send guests' memory to. Default: `address`. */
  readonly migrationAddress?: pulumi.Input<string>;
  /** What runs guests: "auto" is KVM where a guest boots under it, or else emulation. Default: "auto". */
  readonly accelerator?: "auto" | "kvm" | "tcg";
}

/**
 * A machine made ready to run guests and to take them from other hosts: packages, a libvirtd that stays up, its
 * settings for migration. Doing it again changes nothing; destroying it takes our settings back and leaves packages.
 */
export class KvmHost extends pulumi.ComponentResource {
  readonly host: SshHost;
  /** Known once libvirtd is up. */
  readonly ssh: pulumi.Output<SshTarget>;
  readonly facts: pulumi.Output<HostFacts>;
  /** Where other hosts send guests' memory to. */
  readonly migrationAddress: pulumi.Output<string>;

  constructor(name: string, args: KvmHostArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:KvmHost", name, {}, opts);
    this.host = new SshHost(name, args, { parent: this });
    this.migrationAddress = pulumi.output(args.migrationAddress ?? args.address);

    const hypervisor = this.host.script(
      `${name}-hypervisor`,
      {
        scripts: ["packages", "libvirtd"],
        remove: ["libvirtd"],
        variables: {
          NEEDS: "hypervisor",
          CONTAINER_NEEDS: "",
          MACHINE_NEEDS: "",
          MIGRATION_ADDRESS: this.migrationAddress,
          LOGIN: args.user ?? "root",
        },
      },
      { parent: this },
    );
    const probe = this.host.script(
      `${name}-probe`,
      { scripts: ["probe"], variables: { ACCELERATOR: args.accelerator ?? "auto" } },
      { parent: this, dependsOn: [hypervisor] },
    );

    this.ssh = pulumi.all([this.host.ssh, hypervisor.stdout]).apply(([ssh]) => ssh);
    // In a container the kernel tells of the whole machine.
    this.facts = pulumi
      .all([probe.stdout, args.address, this.migrationAddress, pulumi.output(args.share)])
      .apply(([line, address, migrationAddress, share]) => ({
        ...parseProbe(line),
        ...share,
        address,
        migrationAddress,
      }));
    this.registerOutputs({});
  }
}
