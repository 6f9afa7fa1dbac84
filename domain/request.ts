import type { Fleet } from "../fleet/fleet.ts";
import type { DomainSpec } from "../libvirt/domain-xml.ts";

/** A guest as it should be. */
export interface GuestRequest {
  spec: DomainSpec;
  vncPassword?: string;
  /** Host where it is defined if it is defined nowhere yet. */
  host: string;
  fleet: Fleet;
}
