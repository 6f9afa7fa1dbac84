import * as pulumi from "@pulumi/pulumi";
import type { FenceRequest } from "../fleet/fence.ts";
import type { FailoverRecord } from "../moves/failover-record.ts";
import type { SshTarget } from "../ssh/target.ts";
import { EngineResource } from "./engine-resource.ts";

type FenceArgs = Omit<FenceRequest, "environment"> & {
  readonly environment?: Readonly<Record<string, pulumi.Input<string>>>;
};

/** A lost host of which it is proved, once, that it is off: what depends on this may start its guests elsewhere. */
export class Fence extends EngineResource {
  /** How that is known, and when it was looked for and seen (ISO, UTC). */
  declare readonly proof: pulumi.Output<string>;
  declare readonly begunAt: pulumi.Output<string>;
  declare readonly provedAt: pulumi.Output<string>;

  constructor(name: string, args: FenceArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "fence",
      name,
      {
        ...args,
        commands: pulumi.secret(args.commands),
        ...{ proof: undefined, begunAt: undefined, provedAt: undefined },
      },
      { ...opts, additionalSecretOutputs: ["commands"] },
    );
  }
}

interface FailoverArgs {
  readonly guest: string;
  /** Where it was started, and how that host is reached. */
  readonly to: string;
  readonly ssh: pulumi.Input<SshTarget>;
  /** The lost host's name, and its fence. */
  readonly from: string;
  readonly fence: Fence;
  /** Records are kept in results/<stack>.failovers.jsonl. */
  readonly stack: string;
}

/** How long a guest of a lost host was away, written down once it answers: make it depend on that. */
export class Failover extends EngineResource {
  declare readonly record: pulumi.Output<FailoverRecord>;

  constructor(name: string, { fence, ...args }: FailoverArgs, opts?: pulumi.CustomResourceOptions) {
    const { proof, begunAt, provedAt } = fence;
    super("failover", name, { ...args, proof, begunAt, provedAt, record: undefined }, opts);
  }
}
