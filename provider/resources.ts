import { byReference } from "./by-reference.ts";
import { listenForCancel } from "./cancellation.ts";
import { clusterResource } from "./cluster-resource.ts";
import { domainResource } from "./domain-resource.ts";
import { failoverResource } from "./failover-resource.ts";
import { fenceResource } from "./fence-resource.ts";
import { gateResource } from "./gate-resource.ts";
import { hostPowerResource } from "./host-power-resource.ts";
import { migrationResource } from "./migration-resource.ts";
import { counted, endWithEngine } from "./orphan.ts";
import { withPlainErrors } from "./plain-errors.ts";

// Of what the package declares.
export type { ClusterProperties } from "./cluster-resource.ts";
export type { FailoverOutputs } from "./failover-resource.ts";
export type { GateState } from "./gate-resource.ts";

// What the dynamic providers of components/ call, at run time, by the name of the resource.
export const cluster = withPlainErrors(counted(clusterResource));
export const failover = withPlainErrors(counted(failoverResource));
export const fence = withPlainErrors(counted(fenceResource));
export const gate = withPlainErrors(counted(gateResource));
export const hostPower = withPlainErrors(counted(hostPowerResource));
export const domain = withPlainErrors(counted(byReference(domainResource)));
export const migration = withPlainErrors(counted(byReference(migrationResource)));

endWithEngine();
listenForCancel();
