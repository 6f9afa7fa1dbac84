import type { FleetHost } from "./fleet.ts";
import type { MigrationOptions } from "./request.ts";

/** Whether libvirt is to be ready for post-copy. */
export const mayUsePostcopy = ({ mode }: MigrationOptions): boolean =>
  mode === "postcopy" || mode === "hybrid";

/** The arguments of `virsh migrate` that move a running guest to a host, as far as the two hosts' libvirt drives that. */
export function migrateArguments(
  options: MigrationOptions,
  uuid: string,
  { peerAddress }: FleetHost,
): string[] {
  const { port, bandwidthMiBps } = options;
  const given = (flag: string, value: number | string | undefined) =>
    value === undefined ? [] : [flag, String(value)];
  return [
    "--live",
    // Driven by the source's libvirtd: it goes on, or is undone, even when this program and its connection die.
    "--p2p",
    "--persistent",
    "--undefinesource",
    "--migrateuri",
    `tcp://${peerAddress}${port === undefined ? "" : `:${port}`}`,
    ...given("--bandwidth", bandwidthMiBps),
    ...(mayUsePostcopy(options) ? ["--postcopy", ...given("--postcopy-bandwidth", bandwidthMiBps)] : []),
    uuid,
    `qemu+ssh://root@${peerAddress}/system`,
  ];
}
