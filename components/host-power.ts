import * as pulumi from "@pulumi/pulumi";
import type { Fleet } from "../fleet/fleet.ts";
import type { SwitchCommands } from "../fleet/switch-host.ts";
import type { SshTarget } from "../ssh/target.ts";
import { EngineResource } from "./engine-resource.ts";

interface HostPowerArgs {
  readonly host: string;
  /** How it and the storage host are reached, in plain values: it is switched before anything else is known of it. */
  readonly ssh: SshTarget;
  readonly storage: Fleet["storage"];
  /**
   * `on`: it is switched on where it is off, before what depends on this resource. `off`: after what this depends on, once no guest is on it.
   */
  readonly desired: "on" | "off";
  /** Why it is to be off, to be said. Default: nothing is said. */
  readonly reason?: string;
  /** Records are kept in results/<stack>.power.jsonl. Default: none are. */
  readonly stack?: string;
  /** When a policy decided that it is switched, to be kept. Default: none did. */
  readonly decision?: string;
  /** What all hosts draw before and after, as declared, to be kept. Default: that is not known. */
  readonly watts?: { readonly beforeW: number; readonly afterW: number };
  /** They are kept as secrets. */
  readonly commands: SwitchCommands;
  /** What they have in their environment beside HOST_NAME and HOST_ADDRESS. Default: nothing. */
  readonly environment?: Readonly<Record<string, pulumi.Input<string>>>;
  /** How long it may take until it answers, or is off. */
  readonly wakeSeconds: number;
}

/**
 * A host that is on or off. One that is off is left out of all surveys; it is switched on again before it is destroyed, since what was done
 * on it is taken back then.
 */
export class HostPower extends EngineResource {
  /** Which of its starts it is in; empty: it is off. */
  declare readonly boot: pulumi.Output<string>;
  /** Since when it is so (ISO, UTC). */
  declare readonly since: pulumi.Output<string>;

  constructor(name: string, args: HostPowerArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "hostPower",
      name,
      { ...args, commands: pulumi.secret(args.commands), boot: undefined, since: undefined },
      { ...opts, additionalSecretOutputs: [...(opts?.additionalSecretOutputs ?? []), "commands"] },
    );
  }
}
