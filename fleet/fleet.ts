import type { SshTarget } from "../ssh/target.ts";

/** A KVM host as the engine sees it. */
export interface FleetHost {
  /** How this program reaches it. */
  ssh: SshTarget;
  /** The address under which the other hosts reach it: libvirt's connection and the migration's data. */
  peerAddress: string;
}

/** All machines of a testbed: what the engine needs to find a guest and to move it. */
export interface Fleet {
  /** By host name. */
  hosts: Record<string, FleetHost>;
  storage: {
    ssh: SshTarget;
    /** Folder on the storage host, root's alone, where intent records, locks and the queue are kept. */
    intentDirectory: string;
    /** Where versions before this one kept them: in the export, where every host may write. */
    formerDirectory?: string;
  };
  /** The pages of the storage host that say which hosts these are (fleet-page.ts); absent: they were told by themselves. */
  pages?: readonly string[];
  /** Hosts on these pages that are lost for good, and are none of the fleet's. Default: none. */
  without?: readonly string[];
}

/**
 * The hosts of both: a guest may still be on a host that was just taken out of the stack's config, and there it must be looked for, or a
 * second copy of it would be booted elsewhere.
 */
export function union(before: Fleet, after: Fleet): Fleet {
  const { storage } = after;
  const hosts = { ...before.hosts, ...after.hosts };
  // Told by themselves where one of the two is on no page.
  if (!before.pages || !after.pages) return { hosts, storage };
  const lost = new Set([...(before.without ?? []), ...(after.without ?? [])]);
  const without = [...lost].filter((name) => !(name in hosts));
  return {
    hosts,
    storage,
    pages: [...new Set([...before.pages, ...after.pages])],
    ...(without.length > 0 && { without }),
  };
}

/** Where intent records, locks and the queue of an export's guests are, on its storage host. */
export const intentDirectoryOf = (exported: string): string =>
  `/var/lib/kvm-migration-testbed/moves/${exported.slice(1).replaceAll("/", "-")}`;
