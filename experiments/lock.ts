import { mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** When a process started, in clock ticks after boot: with it, a process id names one process alone. Undefined: there is none. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The second field, a name in brackets, may hold blanks.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/**
 * Keeps others from running the same experiment at the same time, until the returned function is called or this process is gone.
 *
 * @throws when somebody runs it already
 */
export async function lock(file: string, what: string): Promise<() => Promise<void>> {
  await mkdir(dirname(file), { recursive: true });
  const own = `${process.pid} ${await startTime(process.pid)}\n`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = await open(file, "wx");
      await handle.writeFile(own);
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const [pid, started] = (await readFile(file, "utf8").catch(() => "")).trim().split(" ");
    if (pid && started && (await startTime(Number(pid))) === started) {
      throw new Error(`${what} runs already, in process ${pid}. Wait for its end, or interrupt it.`);
    }
    // Its process was killed.
    await rm(file, { force: true });
  }
  throw new Error(`${what} was begun by somebody else in this very moment; try again.`);
}
