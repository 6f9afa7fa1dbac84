import type { SshSession } from "./ssh-session.ts";
import { virsh } from "./virsh.ts";

/** Starts a program inside a guest and does not wait for its end. False: the guest has no agent, or one that does not do that. */
export async function startInGuest(
  session: SshSession,
  doing: string,
  uuid: string,
  [path, ...arg]: readonly [string, ...string[]],
): Promise<boolean> {
  const command = JSON.stringify({ execute: "guest-exec", arguments: { path, arg } });
  const { exitCode } = await virsh(
    session,
    doing,
    ["qemu-agent-command", uuid, "--timeout", "5", "--cmd", command],
    { allowFailure: true },
  );
  return exitCode === 0;
}
