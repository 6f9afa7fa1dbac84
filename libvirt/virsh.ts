import { quote } from "../ssh/quote.ts";
import type { CommandOutput, RunOptions, SshSession } from "../ssh/session.ts";

/**
 * Runs one virsh command on the host's system libvirtd. What libvirt prints with a guest's secrets in it is in no error. Throws
 * CommandFailed, ConnectionLost.
 */
export function virsh(
  session: SshSession,
  doing: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<CommandOutput> {
  const isSecret = args.includes("--security-info");
  return session.run(doing, virshCommand(args), { ...options, ...(isSecret && { secretOutput: true }) });
}

/** The host's system libvirtd. */
export const systemUri = "qemu:///system";

/** The same as text, to be a part of a longer script. */
export const virshCommand = (args: readonly string[]): string =>
  `LC_ALL=C virsh -q -c ${systemUri} ${args.map(quote).join(" ")}`;

/** The shell function `virsh`, at the head of a script that asks more than once, or for what it finds itself. */
export const virshFunction = `virsh() { LC_ALL=C command virsh -q -c ${systemUri} "$@"; }`;
