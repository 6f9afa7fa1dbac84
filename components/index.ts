/** The components, for other Pulumi programs: each is usable on its own. */

export { platformOf } from "../domain/hardware.ts";
/** What `Domain` and `Migration` are told of the hosts, and what a `Migration` is told of its guest, made of `Domain.spec`. */
export type { Fleet } from "../fleet/fleet.ts";
export { localOverlayOf } from "../fleet/overlay.ts";

/** What `Testbed` is made from: a stack's config, checked, and the plan that follows from it. */
export { parseStackConfig } from "../stacks/checks/parse.ts";
export { planStack } from "../stacks/plan.ts";
export { Bridge, type BridgeArgs } from "./bridge.ts";
export { CpuBaseline, type CpuBaselineArgs } from "./cpu-baseline.ts";
export { Domain, type DomainArgs } from "./domain.ts";
export { GuestImage, type GuestImageArgs } from "./guest-image.ts";
export { HostCluster, type HostClusterArgs } from "./host-cluster.ts";
export { HostTls, type HostTlsArgs } from "./host-tls.ts";
export { HostTrust, type HostTrustArgs } from "./host-trust.ts";
export { KvmHost, type KvmHostArgs } from "./kvm-host.ts";
export { LabHost, type LabHostArgs, type LabNetwork } from "./lab-host.ts";
export { LoadSampler, type LoadSamplerArgs } from "./load-sampler.ts";
export { Migration, type MigrationArgs } from "./migration.ts";
export { type BaseVolume, NfsPool, type NfsPoolArgs } from "./nfs-pool.ts";
export type { HostAccess } from "./ssh-host.ts";
export { SshKey, type SshKeyArgs } from "./ssh-key.ts";
export { Testbed } from "./testbed.ts";
export { UbuntuGuest, type UbuntuGuestArgs } from "./ubuntu-guest.ts";
