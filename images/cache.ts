import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { execa } from "execa";

/** Where images are kept between runs, shared by every stack and checkout of this user. */
export function imageCache(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(cache, "kvm-migration-testbed", "images");
}

export type SumAlgorithm = "sha256" | "sha512";

export async function sumFile(path: string, algorithm: SumAlgorithm = "sha256"): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}

/**
 * Works alone on a folder: another process waits, and is let in when this one is done or dead, however it died. flock(1) holds the lock, as
 * Node has no call for it, until its standard input ends.
 */
export async function withLock<T>(folder: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  await mkdir(folder, { recursive: true });
  const holder = execa("flock", [join(folder, ".lock"), "sh", "-c", "echo mine; exec cat"], {
    buffer: false,
  });
  const waiting = setTimeout(() => onWait?.(), 1000);
  try {
    await Promise.race([once(holder.stdout, "data"), holder]);
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
    await holder;
  }
}
