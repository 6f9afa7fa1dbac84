import { execa } from "execa";
import { ownSession, pathValue, sshOptions } from "../ssh/options.ts";
import { quote } from "../ssh/quote.ts";
import { behindMarker, outputBehindMarker, remoteCommand } from "../ssh/remote-command.ts";
import type { SshTarget } from "../ssh/target.ts";

/** How a guest is logged in to: over the storage host, which is on the guests' network for sure. */
interface GuestLogin {
  guest: string;
  address: string;
  user: string;
  privateKeyFile: string;
  jump: SshTarget;
}

/** What a command in a guest printed after the guest's clock, and how far that clock is ahead of ours. */
export interface GuestAnswer {
  stdout: string;
  offsetMs: number;
}

/**
 * Runs a bash command in a guest, and reads its clock: what it prints first, compared with when that arrives here, some milliseconds later.
 *
 * @param timeoutMs default a minute
 * @throws when the guest cannot be logged in to, or the command fails
 */
export async function runInGuest(
  login: GuestLogin,
  doing: string,
  command: string,
  timeoutMs = 60_000,
): Promise<GuestAnswer> {
  const { guest, address, user, privateKeyFile, jump } = login;
  const options = {
    BatchMode: "yes",
    // A guest that has hardly any CPU time left takes long for its first word.
    ConnectTimeout: "30",
    ServerAliveInterval: "5",
    LogLevel: "ERROR",
    ...Object.fromEntries(ownSession),
    Port: "22",
    // It made its host key at its first boot, on a network of its own: there is nothing to check it against.
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    IdentitiesOnly: "yes",
    IdentityFile: pathValue(privateKeyFile),
    ProxyCommand: proxy(jump),
  };
  const child = execa(
    "ssh",
    [
      ...Object.entries(options).flatMap(([key, value]) => ["-o", `${key}=${value}`]),
      `${user}@${address}`,
      remoteCommand(behindMarker(`echo "$EPOCHREALTIME"; ${command}`)),
    ],
    { stdin: "ignore", reject: false, timeout: timeoutMs, stripFinalNewline: false },
  );
  let heardMs = Number.NaN;
  let heard = "";
  child.stdout.on("data", (part) => {
    // What rc files print may come before, on its own.
    if (!Number.isNaN(heardMs)) return;
    heard += part;
    if (outputBehindMarker(heard)) heardMs = Date.now();
  });
  const { stdout, stderr, exitCode } = await child;
  if (exitCode !== 0) {
    throw new Error(
      `${doing} in guest ${guest} (${address}) failed: ${stderr.trim() || (exitCode === undefined ? `no answer within ${timeoutMs / 1000} s` : `exit code ${exitCode}`)}`,
    );
  }
  const [, clock, printed] = /^(\d+\.\d+)\n([\s\S]*)$/.exec(outputBehindMarker(stdout) ?? "") ?? [];
  if (clock === undefined || printed === undefined) {
    throw new Error(
      `${doing} in guest ${guest} (${address}) failed: asked for its clock first, it said ${JSON.stringify(stdout.slice(0, 200))}. It needs bash 5 or newer`,
    );
  }
  return { stdout: printed, offsetMs: Number(clock) * 1000 - heardMs };
}

/** A percent sign would be a token of ssh's own. */
const proxy = (jump: SshTarget): string =>
  `ssh ${[...sshOptions(jump), jump.address].map(quote).join(" ").replaceAll("%", "%%")} -W %h:%p`;
