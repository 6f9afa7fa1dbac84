/**
 * How to reach a machine over SSH. Plain data that is kept in Pulumi's state: no secret in it, and paths are
 * relative to the project's folder or begin with `~/`, so that the state works from another checkout.
 */
export interface SshTarget {
  /** The host's name in the stack's config. */
  name: string;
  /** As OpenSSH takes it: a name of ~/.ssh/config, too. */
  address: string;
  port: number;
  user: string;
  /** Private key; absent: the SSH agent and OpenSSH's own defaults. */
  privateKeyFile?: string;
  /** Host keys that are trusted; absent: OpenSSH's own default files. */
  knownHostsFile?: string;
  /** What ~/.ssh/config makes of `address`, for those who do not read that. Absent: the address. */
  hostName?: string;
  /** The host over which it is reached, as ~/.ssh/config says. */
  jump?: SshJump;
  /** The socket of the agent that ~/.ssh/config names for it (IdentityAgent). Absent: SSH_AUTH_SOCK's. */
  identityAgent?: string;
  /** What libvirt's provider is to call it, where ~/.ssh/config would lead that one elsewhere. Absent: the address. */
  libvirtName?: string;
}

/** A machine on the way to another one. */
export interface SshJump {
  address: string;
  port: number;
  user?: string;
  privateKeyFile?: string;
  /** The socket of the agent that ~/.ssh/config names for it. Absent: SSH_AUTH_SOCK's. */
  identityAgent?: string;
}
