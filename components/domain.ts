import * as pulumi from "@pulumi/pulumi";
import type { Fleet } from "../fleet/fleet.ts";
import type { FleetReference } from "../fleet/fleet-page.ts";
import type { DomainSpec } from "../libvirt/domain-xml.ts";
import { EngineResource } from "./engine-resource.ts";

export interface DomainArgs {
  /**
   * What the guest is. Its uuid and name are for life. A change of anything else restarts it where it runs, except accelerator, machine and
   * CPU: those apply at its next start.
   */
  readonly spec: pulumi.Input<DomainSpec>;
  /** The VNC display's password, up to 8 characters. Default: none. */
  readonly vncPassword?: pulumi.Input<string>;
  /** The host on which it is defined and booted first. Where it runs later is up to `Migration`. */
  readonly host: pulumi.Input<string>;
  /** All hosts it can be on, and the storage host. */
  readonly fleet: pulumi.Input<Fleet | FleetReference>;
}

/**
 * A guest with an identity and no location: it is looked for on every host, by its uuid. It is defined once and runs; it is deleted
 * wherever it is. A host that does not answer is an error: the guest could be there.
 */
export class Domain extends EngineResource {
  /** What it runs with: the hosts' common platform can have changed since. */
  declare readonly spec: pulumi.Output<DomainSpec>;
  /** Host on which it was booted last. */
  declare readonly bootedOn: pulumi.Output<string>;
  /** Goes up by one whenever this program boots it. */
  declare readonly boots: pulumi.Output<number>;
  /** As libvirt says: running, paused; "off" when no host runs it. */
  declare readonly state: pulumi.Output<string>;

  constructor(name: string, args: DomainArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { bootedOn: undefined, boots: undefined, state: undefined };
    super(
      "domain",
      name,
      { ...args, vncPassword: args.vncPassword && pulumi.secret(args.vncPassword), ...outputs },
      { ...opts, additionalSecretOutputs: [...(opts?.additionalSecretOutputs ?? []), "vncPassword"] },
    );
  }
}
