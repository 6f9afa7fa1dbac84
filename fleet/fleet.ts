import type { SshTarget } from "../libvirt/ssh-target.ts";

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
}

/**
 * The hosts of both: a guest may still be on a host that was just taken out of the stack's config, and there it must be looked for, or a
 * second copy of it would be booted elsewhere.
 */
export const union = (before: Fleet, after: Fleet): Fleet => ({
  ...after,
  hosts: { ...before.hosts, ...after.hosts },
});
