// Runs a command on a host, and copies files to it, over SSH.
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { basename, posix, resolve } from "node:path";
import type { ClientChannel, SFTPWrapper, Stats } from "ssh2";
import { CommandError, type Output } from "./output.ts";
import type { CopyToRemote } from "./schema.ts";
import type { Session } from "./ssh.ts";

interface RemoteRun {
  readonly command: string;
  /** Variables without which the command must not run. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that the host may refuse; `warn` is told then. */
  readonly optionalEnvironment: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** How the command is called in an error. */
  readonly shownAs: string;
}

/** A cancelled command gets this long to end before the connection is closed. */
const stopGraceMs = 2_000;

/**
 * Ends what else runs over the same connection: the server's process for it is the parent of both, and each command
 * leads a process group.
 */
const endSiblings = `for pid in $(pgrep -P $PPID); do [ "$pid" = $$ ] || kill -TERM -- "-$pid"; done`;

/** Runs a command until it has ended. Throws a CommandError if it fails, is cancelled, or the connection breaks. */
export async function runRemote(
  { client }: Session,
  run: RemoteRun,
  output: Output,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const env = { ...run.optionalEnvironment, ...run.environment };
  for (const name of await refusedVariables({ client }, env)) {
    const message =
      `Unable to set '${name}'. This only works if your SSH server is configured to accept this variable via ` +
      "AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote host, you could prefix the " +
      "command itself with the variable in the form 'VAR=value command'";
    if (name in run.environment) throw new Error(message);
    warn(message);
  }
  const channel = await open({ client }, run.command, env);
  channel.on("data", (chunk: Buffer) => output.add("stdout", chunk));
  channel.stderr.on("data", (chunk: Buffer) => output.add("stderr", chunk));
  channel.on("error", () => {}); // a command need not read what it is given
  channel.end(run.stdin ?? "");
  const stop = () => {
    channel.signal("TERM"); // sshd passes it on, but not for root
    client.exec(endSiblings, (error, ending) => (error ? undefined : ending.resume().stderr.resume()));
    setTimeout(() => client.destroy(), stopGraceMs).unref();
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) stop();
    let ended: { code: number | null; signal?: string } | undefined;
    channel.once("exit", (code: number | null, name?: string) => {
      ended = { code, ...(name ? { signal: name } : {}) };
    });
    await once(channel, "close");
    output.end();
    if (signal.aborted) throw new CommandError("cancelled", run.shownAs, output);
    if (ended === undefined)
      throw new CommandError("the connection was lost before the command ended", run.shownAs, output);
    if (ended.signal !== undefined)
      throw new CommandError(`Process was ended by ${ended.signal}`, run.shownAs, output);
    if (ended.code !== 0)
      throw new CommandError(`Process exited with status ${ended.code}`, run.shownAs, output);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function open(
  { client }: Pick<Session, "client">,
  command: string,
  env: NodeJS.ProcessEnv,
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, { env }, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/**
 * Which of these variables a command there would not get. SSH has an answer for each variable that is sent, but ssh2
 * does not ask for it; so the host's shell is asked whether they have arrived.
 */
async function refusedVariables(
  session: Pick<Session, "client">,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const names = Object.keys(env);
  if (names.length === 0) return [];
  for (const name of names)
    if (!/^[A-Za-z_]\w*$/.test(name))
      throw new Error(`environment: ${JSON.stringify(name)} is no variable's name`);
  const probe = `sh -c 'for name in ${names.join(" ")}; do printenv "$name" >/dev/null || echo "$name"; done'`;
  const channel = await open(session, probe, env);
  let missing = "";
  channel.on("data", (chunk: Buffer) => {
    missing += chunk.toString();
  });
  channel.stderr.resume();
  channel.end();
  await once(channel, "close");
  return missing.split("\n").filter((name) => name !== "");
}

/**
 * Copies a file, a text or a folder to the host. Folders that are missing above the destination are made. As with the
 * official plugin: a file or folder goes into a destination that is a folder; a folder whose path ends in a slash has
 * its contents copied instead; a folder cannot replace a file.
 */
export async function copy({ client }: Session, { source, remotePath }: CopyToRemote, signal: AbortSignal) {
  const sftp = await new Promise<SFTPWrapper>((resolve, reject) =>
    client.sftp((error, wrapper) => (error ? reject(error) : resolve(wrapper))),
  );
  const abandon = () => client.destroy();
  signal.addEventListener("abort", abandon, { once: true });
  try {
    const there = await stat(sftp, remotePath);
    if ("text" in source) {
      if (there?.isDirectory())
        throw new Error(`${remotePath} is a folder on the host: a text needs a path to a file`);
      await makeFolder(sftp, posix.dirname(remotePath));
      await done((end) => sftp.writeFile(remotePath, source.text, end), `write ${remotePath} on the host`);
      return;
    }
    const local = resolve(source.path);
    if (!statSync(local).isDirectory()) {
      const target = there?.isDirectory() ? posix.join(remotePath, basename(local)) : remotePath;
      await makeFolder(sftp, posix.dirname(target));
      await copyFile(sftp, local, target);
      return;
    }
    const target = source.path.endsWith("/") ? remotePath : posix.join(remotePath, basename(local));
    await copyFolder(sftp, local, target);
  } finally {
    signal.removeEventListener("abort", abandon);
    sftp.end();
  }
}

async function copyFolder(sftp: SFTPWrapper, local: string, remote: string): Promise<void> {
  await makeFolder(sftp, remote);
  for (const name of readdirSync(local)) {
    const [from, to] = [resolve(local, name), posix.join(remote, name)];
    if (statSync(from).isDirectory()) await copyFolder(sftp, from, to);
    else await copyFile(sftp, from, to);
  }
}

function copyFile(sftp: SFTPWrapper, local: string, remote: string): Promise<void> {
  return done((end) => sftp.fastPut(local, remote, end), `copy ${local} to ${remote} on the host`);
}

async function makeFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  const there = await stat(sftp, path);
  if (there?.isDirectory()) return;
  if (there !== undefined) throw new Error(`${path} on the host is there, and no folder`);
  await makeFolder(sftp, posix.dirname(path));
  await done((end) => sftp.mkdir(path, end), `make the folder ${path} on the host`);
}

/** What is at `path` on the host; undefined if nothing is. */
function stat(sftp: SFTPWrapper, path: string): Promise<Stats | undefined> {
  const noSuchFile = 2;
  return new Promise((resolve, reject) =>
    sftp.stat(path, (error, stats) => {
      if (error === undefined || error === null) resolve(stats);
      else if ((error as { code?: unknown }).code === noSuchFile) resolve(undefined);
      else reject(new Error(`cannot look at ${path} on the host: ${error.message}`));
    }),
  );
}

function done(start: (end: (error?: Error | null) => void) => void, what: string): Promise<void> {
  return new Promise((resolve, reject) =>
    start((error) => (error ? reject(new Error(`cannot ${what}: ${error.message}`)) : resolve())),
  );
}
