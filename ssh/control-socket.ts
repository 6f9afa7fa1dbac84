import { randomBytes } from "node:crypto";
import { lstat, mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** A socket's path has at most 103 bytes on some systems, and ssh makes it under a name that is 17 longer. */
const longestPath = 103 - 17;

let folder: Promise<string> | undefined;

/** A path for the control socket of a new connection, in a folder that is this user's alone. */
export async function newControlSocket(): Promise<string> {
  folder ??= makeFolder();
  return join(await folder, nameOf(process.pid));
}

const nameOf = (pid: number): string => `${pid}-${randomBytes(4).toString("hex")}`;

async function makeFolder(): Promise<string> {
  const name = `kvm-testbed-ssh-${userInfo().uid}`;
  const places = [process.env.XDG_RUNTIME_DIR, tmpdir(), "/tmp"].filter((place) => place !== undefined);
  for (const place of places) {
    const path = join(place, name);
    // ssh would take a percent sign or a dollar sign for the beginning of a token.
    if (!/^\/[\w./+-]+$/.test(path) || join(path, nameOf(4_194_304)).length > longestPath) continue;
    await mkdir(path, { mode: 0o700 }).catch(() => {}); // it is there, or cannot be: that is looked at next
    if (!(await isOursAlone(path))) continue;
    await removeStale(path);
    return path;
  }
  throw new Error(
    `No folder for the sockets of SSH connections: none of ${places.join(", ")} is short enough, can be written to, ` +
      `and has a folder ${name} that is this user's alone. Remove a ${name} that is not, or set XDG_RUNTIME_DIR.`,
  );
}

async function isOursAlone(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === userInfo().uid && (found.mode & 0o077) === 0;
}

/** Removes the sockets of connections whose ssh was killed: their names say which process they were for, and it is gone. */
async function removeStale(path: string): Promise<void> {
  const stale = (await readdir(path)).filter((name) => !isRunning(Number.parseInt(name, 10)));
  await Promise.allSettled(stale.map((name) => rm(join(path, name), { force: true })));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
