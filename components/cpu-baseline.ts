import * as pulumi from "@pulumi/pulumi";
import { commonCpu } from "../hosts/common-cpu.ts";
import { commonPlatform } from "../hosts/common-platform.ts";
import { throughGate } from "./gate.ts";
import type { KvmHost } from "./kvm-host.ts";

export interface CpuBaselineArgs {
  /** The hosts between which guests move. */
  readonly hosts: readonly KvmHost[];
}

/** The best virtual machine that every host can run, so that a guest can go to any of them. */
export class CpuBaseline extends pulumi.ComponentResource {
  /** KVM if every host has it. */
  readonly accelerator: pulumi.Output<"kvm" | "tcg">;
  /** The newest machine type that every host knows. */
  readonly machine: pulumi.Output<string>;
  /** libvirt's `<cpu>` element. */
  readonly cpuXml: pulumi.Output<string>;

  constructor(name: string, { hosts }: CpuBaselineArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:CpuBaseline", name, {}, opts);
    if (hosts.length === 0) throw new pulumi.ResourceError("a CPU baseline needs at least one host", this);

    const facts = pulumi.all(
      hosts.map(({ host, facts }) => facts.apply((known) => ({ ...known, name: host.hostName }))),
    );
    const platform = facts.apply(commonPlatform);
    // Hosts that are alike count as one.
    const asked = throughGate(
      `${name}-models`,
      pulumi.all([facts, platform]).apply(([all, { accelerator }]) => ({
        accelerator,
        hostModels: [...new Set(all.map(({ hostModel }) => hostModel))].join("\n"),
      })),
      { parent: this, deletedWith: hosts[0]?.host.deletedWith },
    );
    this.accelerator = platform.accelerator;
    this.machine = platform.machine;
    // Which host has the newest libvirt is known only after asking, so all are asked: it takes a moment.
    const answers = hosts.map(
      ({ host }) =>
        host.script(
          `${name}-cpu-${host.hostName}`,
          {
            scripts: ["cpu-baseline"],
            variables: {
              ACCELERATOR: asked.apply(({ accelerator }) => accelerator),
              HOST_MODELS: asked.apply(({ hostModels }) => hostModels),
            },
          },
          { parent: this },
        ).stdout,
    );
    this.cpuXml = pulumi
      .all([facts, pulumi.all(answers)])
      .apply(([all, said]) => commonCpu(all.map((known, at) => ({ ...known, cpuXml: said[at] ?? "" }))));
    this.registerOutputs({ accelerator: this.accelerator, machine: this.machine, cpuXml: this.cpuXml });
  }
}
