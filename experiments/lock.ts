import { createHash } from "node:crypto";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { text } from "node:stream/consumers";

/**
 * Keeps others from doing the same thing at the same time, until the returned function is called or this process is gone, however it goes:
 * the lock is a name that the kernel gives to one process at a time (a Unix socket without a file), so that there is nothing to clear away
 * after a kill, and no moment in which two processes could both take it. A second process asks the holder for its process id.
 *
 * @param key of what is locked, the same for all who want it
 * @param busy what to say of the process that has it
 * @throws when somebody has it
 */
export async function lock(key: string, busy: (pid: string) => string): Promise<() => Promise<void>> {
  // Names have at most 107 bytes.
  const path = `\0kvm-migration-testbed-${createHash("sha256").update(key).digest("hex")}`;
  const server = createServer((socket) => {
    socket.on("error", () => {}); // who asked is gone
    socket.end(String(process.pid));
  });
  server.listen(path);
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(busy(await text(createConnection(path)).catch(() => "that is just ending")));
  }
  server.unref();
  return async () => {
    server.close();
    await once(server, "close");
  };
}
