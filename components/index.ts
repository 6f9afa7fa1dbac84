/** The components, for other Pulumi programs: each is usable on its own. */

/** What `Domain` and `Migration` are told of the hosts, and what a `Migration` is told of its guest, made of `Domain.spec`. */
export type { GuestPlatform } from "../domain/hardware.ts";
export { platformOf } from "../domain/hardware.ts";
export type { Fleet, FleetHost } from "../fleet/fleet.ts";
export type { LocalOverlay } from "../fleet/overlay.ts";
export { localOverlayOf } from "../fleet/overlay.ts";
export type { DomainSpec, GuestStorage, UefiFirmware } from "../libvirt/domain-xml.ts";
export type { Conditions } from "../migration/context/migration-request.ts";
export type { AskedOptions } from "../moves/options.ts";
/** What a move was, and how it is told in short. */
export type { MigrationRecord } from "../moves/record.ts";
export type { Slo } from "../moves/slo.ts";
export type { MoveSummary } from "../moves/summary.ts";
export type { SshTarget } from "../ssh/target.ts";

/** What `Testbed.fromConfig` makes of a config; for a plan that no machine is asked about. */
export { TestbedConfigError } from "../stacks/asking/plan-of-data.ts";
export { parseStackConfig } from "../stacks/checks/parse.ts";
export type { StackConfig, StackInput } from "../stacks/config.ts";
export { type Plan, planStack } from "../stacks/plan.ts";
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
export type { GuestOutput, HostOutput, MigrationOutput, PolicyOutput } from "./outputs.ts";
export type { HostAccess } from "./ssh-host.ts";
export { SshKey, type SshKeyArgs } from "./ssh-key.ts";
export { Testbed, type TestbedConfig } from "./testbed.ts";
export { UbuntuGuest, type UbuntuGuestArgs } from "./ubuntu-guest.ts";
export { Uefi, type UefiArgs } from "./uefi.ts";
