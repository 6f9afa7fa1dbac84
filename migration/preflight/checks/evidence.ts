import type { Belongings } from "../../../libvirt/belongings.ts";
import type { DomainFacts } from "../../../libvirt/domain-facts.ts";
import type { Sighting } from "../../../libvirt/sighting.ts";
import type { Question, Survey } from "../../../libvirt/survey.ts";
import type { MigrationRecord } from "../../../moves/record.ts";
import type { MigrationRequest } from "../../context/migration-request.ts";
import type { Endpoint } from "../../context/moving.ts";
import type { Clocks } from "../../measuring/measure.ts";
import type { Check } from "./check.ts";
import type { Demands } from "./demands.ts";

type Versions = MigrationRecord["versions"];

/** A proposed move, and what is known of it already. */
export interface MoveToCheck {
  request: MigrationRequest;
  source: Endpoint;
  destination: Endpoint;
  /** What all hosts said about the guest. */
  sightings: readonly Sighting[];
  versions: Promise<Versions>;
  clocks: Clocks;
  /** Other guests that are on their way to the same host, and take memory there. */
  incoming: readonly { guest: string; memoryMiB: number }[];
  /** Memory that guests leave free there before it begins, in a preview. Default: none. */
  freedMiB?: number;
}

/** What is asked of each endpoint. */
export interface Questions {
  source?: readonly Question[];
  destination?: readonly Question[];
}

/** What the mode of a move needs, beside the move itself. */
export type Asking = Omit<MoveToCheck, "versions"> & { demands: Demands };

/** What the guest's definitions say: first that of the machine that runs, then that of its next start where it is another. */
export type Definitions = readonly [DomainFacts, ...DomainFacts[]];

/** All that a check may go by. */
export interface Evidence extends Asking {
  versions: Versions;
  domain: DomainFacts;
  definitions: Definitions;
  belongings: Belongings;
  /** What each endpoint answered. */
  atSource: Survey;
  atDestination: Survey;
  /** Why the source does not reach the destination's libvirt. Absent: it does. */
  hostToHostError?: string | undefined;
}

/** One thing that could make a move fail: what it asks of the hosts, and how it judges the answers. */
export interface PreflightCheck {
  /**
   * What it finds stays so as long as the guest runs, so that a preview already refuses the move. Default: an update may change it before
   * the guest moves (another guest leaves, a bridge is made), and a preview only warns.
   */
  readonly lasts?: true;
  /** Default: nothing that is not asked anyway (both bridges' MTU, the guest's definition). */
  asks?(move: Asking): Questions;
  /** What can only be asked once the guest's definitions are known. */
  asksThen?(move: Asking, definitions: Definitions): Questions;
  /** What the answers say for and against the move; nothing if this move is not concerned. */
  judge(evidence: Evidence): Check | undefined | readonly Check[];
}

/** What a host that answers should have said. */
export function known<T>(host: Endpoint, what: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new Error(
    `Host ${host.name} was asked for ${what} and did not say it. Nothing was changed. See whether its libvirtd works (virsh list), and run again.`,
  );
}
