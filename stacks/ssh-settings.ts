import type { SshJump } from "../ssh/target.ts";

/** What OpenSSH's configuration on this machine says of one address. */
export interface SshSettings {
  /** The name or address that is connected to: of an alias, what it stands for. */
  hostName: string;
  /** Absent: nothing is said, and OpenSSH's default holds. */
  port?: number;
  user?: string;
  privateKeyFile?: string;
  jump?: SshJump;
  /** The socket of another agent than SSH_AUTH_SOCK's. */
  identityAgent?: string;
  /** What libvirt's provider, which reads ~/.ssh/config in its own way, is to call it. Absent: the address in the stack's config. */
  libvirtName?: string;
}

/** By address, as it stands in the stack's config. */
export type SshSettingsByAddress = Readonly<Record<string, SshSettings>>;
