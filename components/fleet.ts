import * as pulumi from "@pulumi/pulumi";
import type { Fleet } from "../fleet/fleet.ts";
import type { KvmHost } from "./kvm-host.ts";
import type { NfsPool } from "./nfs-pool.ts";

/** What the engine needs to know of these hosts and their storage. */
export function fleetOf(hosts: readonly KvmHost[], pool: NfsPool): pulumi.Output<Fleet> {
  const members = pulumi.all(
    hosts.map(({ host, ssh, migrationAddress }) =>
      pulumi
        .all([ssh, migrationAddress])
        .apply(([ssh, peerAddress]) => [host.hostName, { ssh, peerAddress }] as const),
    ),
  );
  const fleet = pulumi.all([members, pool.storage.ssh]).apply(([entries, ssh]) => ({
    hosts: Object.fromEntries(entries),
    storage: {
      ssh,
      intentDirectory: `/var/lib/kvm-migration-testbed/moves/${pool.export.slice(1).replaceAll("/", "-")}`,
      formerDirectory: `${pool.export}/.migrations`,
    },
  }));
  // Addresses and names of key files are no secrets, though they depend on commands that were given one.
  return pulumi.unsecret(fleet);
}
