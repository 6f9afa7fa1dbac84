import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";

/**
 * Removes the place of a guest's dead run among those that are to move (migration/queue). Others would only when they move; the holder of the
 * guest's lock knows that it is nobody's.
 */
export async function clearPlace(storage: SshSession, directory: string, uuid: string): Promise<void> {
  const queue = `${directory}/queue`;
  await storage.run(
    "clearing the place of a run that died",
    `rm -f ${quote(`${queue}/${uuid}`)}; rmdir ${quote(queue)} 2>/dev/null || true`,
  );
}
