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
    /** Folder on the storage host where intent records are kept, beside the images. */
    intentDirectory: string;
  };
}
