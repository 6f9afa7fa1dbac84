import * as pulumi from "@pulumi/pulumi";
import type { KvmHost } from "./kvm-host.ts";
import type { HostScriptArgs } from "./ssh-host.ts";

/** A step that every host has done before the next step begins on any of them. */
export class OnEveryHost extends pulumi.ComponentResource {
  /** What its scripts printed; known when all hosts have done it. */
  readonly done: pulumi.Output<string[]>;
  /** For the next step to depend on. */
  readonly commands: readonly pulumi.Resource[];

  constructor(
    name: string,
    hosts: readonly KvmHost[],
    step: (host: KvmHost) => HostScriptArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("testbed:index:OnEveryHost", name, {}, opts);
    const commands = hosts.map((host) =>
      host.host.script(`${name}-${host.host.hostName}`, step(host), {
        parent: this,
        ...(opts?.dependsOn && { dependsOn: opts.dependsOn }),
      }),
    );
    this.commands = commands;
    this.done = pulumi.all(commands.map(({ stdout }) => stdout));
    this.registerOutputs({});
  }
}
