import { isIP } from "node:net";
import type { FleetHost } from "../../fleet/fleet.ts";
import { systemDisk } from "../../libvirt/domain-xml.ts";
import { type MigrationOptions, mayUsePostcopy } from "../../moves/options.ts";

/**
 * The arguments of `virsh migrate` that move a running guest to a host, as far as the two hosts' libvirt drives that.
 *
 * @param copiesOverlay its disk lies on the hosts: what it wrote over the shared base image is copied too
 */
export function migrateArguments(
  options: MigrationOptions,
  uuid: string,
  { peerAddress }: FleetHost,
  copiesOverlay = false,
): string[] {
  const { port, bandwidthMiBps, switchoverMiBps, autoConverge, compression, parallelConnections, transport } =
    options;
  const given = (flag: string, value: number | string | undefined) =>
    value === undefined ? [] : [flag, String(value)];
  return [
    "--live",
    // Driven by the source's libvirtd: it goes on, or is undone, even when this program and its connection die.
    "--p2p",
    "--persistent",
    "--undefinesource",
    ...(copiesOverlay ? ["--copy-storage-inc", "--migrate-disks", systemDisk] : []),
    ...(transport === "tunnelled"
      ? ["--tunnelled"]
      : [
          "--migrateuri",
          `tcp://${peerAddress}${port === undefined ? "" : `:${port}`}`,
          // Without it QEMU listens on all of the destination's addresses, for its memory and for its disk.
          // A name is another address on its own host, where Debian has it as 127.0.1.1.
          ...(isIP(peerAddress) ? ["--listen-address", peerAddress] : []),
        ]),
    ...(transport === "tls" ? ["--tls"] : []),
    ...given("--bandwidth", bandwidthMiBps),
    ...given("--available-switchover-bandwidth", switchoverMiBps),
    ...(mayUsePostcopy(options) ? ["--postcopy", ...given("--postcopy-bandwidth", bandwidthMiBps)] : []),
    ...(autoConverge
      ? [
          "--auto-converge",
          ...given("--auto-converge-initial", autoConverge.initial),
          ...given("--auto-converge-increment", autoConverge.increment),
        ]
      : []),
    ...(compression ? ["--compressed", "--comp-methods", compression] : []),
    ...(parallelConnections === undefined
      ? []
      : ["--parallel", "--parallel-connections", String(parallelConnections)]),
    uuid,
    `qemu+ssh://root@${peerAddress}/system`,
  ];
}
