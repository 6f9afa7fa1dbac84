import * as pulumi from "@pulumi/pulumi";
import type { GuestPlatform } from "../domain/hardware.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { FleetReference } from "../fleet/fleet-page.ts";
import type { LocalOverlay } from "../fleet/overlay.ts";
import type { Conditions } from "../migration/context/migration-request.ts";
import { type AskedOptions, type Drift, defaultDrift } from "../moves/options.ts";
import type { MigrationRecord } from "../moves/record.ts";
import type { Slo } from "../moves/slo.ts";
import { EngineResource, typeOf } from "./engine-resource.ts";

export interface MigrationArgs {
  /** The guest's name and uuid. */
  readonly guest: pulumi.Input<string>;
  readonly uuid: pulumi.Input<string>;
  /** The host where it should run: changing this moves it. */
  readonly to: pulumi.Input<string>;
  /** Why it should run there, to be said when it moves: "host2 is drained". Default: nothing is said. */
  readonly reason?: pulumi.Input<string>;
  /** Guests whose moves are over before it begins, as they make its room: a preview counts on that. Default: none. */
  readonly after?: readonly string[];
  /** Which one it is among the moves of its policy's decision: those that wait for hosts take their turns so. Default: the smallest goes first. */
  readonly turn?: number;
  /** With how many other moves it is expected to share its hosts, on average over its time. Default: as many as move or wait at its turn. */
  readonly others?: number;
  /** The decision that it runs there by (its `at`): the records of its moves name it. Default: none. */
  readonly decision?: string;
  /** Hosts on which no guest should run: a guest that someone moved there by hand moves, too, whatever `drift` says. Default: none. */
  readonly drained?: readonly string[];
  /** How it moves. */
  readonly options: pulumi.Input<AskedOptions>;
  /** What to do about a guest that someone moved by hand: move it back, keep it there, or stop. Default: "return". */
  readonly drift?: pulumi.Input<Drift>;
  /** What a move may cost: one that is predicted to cost more is refused, one that did is told. Default: no limits. */
  readonly slo?: pulumi.Input<Slo>;
  /** Under what conditions it moves: they go into the records. */
  readonly conditions: pulumi.Input<Conditions>;
  /** The guest's IPv4 address, at which a prober looks at it while it is moved. Default: it is asked for (the guest agent, ARP). */
  readonly address?: pulumi.Input<string>;
  /** What it runs with, made of `Domain.spec` by `platformOf`: the destination is asked whether it can. Default: it is not asked. */
  readonly platform?: pulumi.Input<GuestPlatform>;
  /**
   * Its overlay, if that lies on the host where the guest runs: it moves along. Made of `Domain.spec.storage` by `localOverlayOf`. Default: on
   * shared storage.
   */
  readonly redo?: pulumi.Input<LocalOverlay | undefined>;
  /** How many moves a host takes part in at a time; further ones wait. Default: 2. */
  readonly concurrentPerHost?: pulumi.Input<number>;
  /** All hosts it can be on, and the storage host. */
  readonly fleet: pulumi.Input<Fleet | FleetReference>;
  /** Records are kept in results/<stack>.jsonl. Default: the Pulumi stack's name. */
  readonly stack?: pulumi.Input<string>;
}

/** Where a guest runs. It moves when `to` changes, and every move is measured. */
export class Migration extends EngineResource {
  /** Where the guest runs. */
  declare readonly host: pulumi.Output<string>;
  /** Completed moves. */
  declare readonly moves: pulumi.Output<number>;
  /** The records of its moves, newest first, at most 50. */
  declare readonly history: pulumi.Output<MigrationRecord[]>;

  constructor(name: string, args: MigrationArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = {
      host: undefined,
      placed: undefined,
      applied: undefined,
      moves: undefined,
      history: undefined,
    };
    super(
      "migration",
      name,
      {
        ...args,
        drift: args.drift ?? defaultDrift,
        stack: args.stack ?? pulumi.getStack(),
        row: textOf(pulumi.createUrn(name, typeOf("migration"), opts?.parent)),
        ...outputs,
      },
      opts,
    );
  }
}

/** Without what it depends on: that is the parent, which waits for its children, and so for what has this as an input. */
const textOf = (urn: pulumi.Output<string>): Promise<string> =>
  new Promise((resolve) => void urn.apply(resolve));
