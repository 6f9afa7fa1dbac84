import * as pulumi from "@pulumi/pulumi";
import { samplerVariables } from "../hosts/load.ts";
import type { KvmHost } from "./kvm-host.ts";

export interface LoadSamplerArgs {
  /** The hosts that take samples. */
  readonly hosts: readonly KvmHost[];
}

/**
 * Samples, each minute, of the CPU time of hosts and their guests, which each host keeps for a day: what a policy that looks at load needs to
 * know. Without this component no host takes any. Destroying it takes the timer and the samples away.
 */
export class LoadSampler extends pulumi.ComponentResource {
  constructor(name: string, { hosts }: LoadSamplerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("testbed:index:LoadSampler", name, {}, opts);
    for (const { host } of hosts) {
      host.script(
        `${name}-${host.hostName}`,
        { scripts: ["load"], remove: ["load"], variables: samplerVariables() },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
