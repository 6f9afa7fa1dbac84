import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";

/** How the names begin of what a preflight writes beside a guest's disks. */
export const tokenPrefix = (folder: string, uuid: string): string => `${folder}/.token-${uuid}-`;

/** Removes what was written for a proof about the guest, now or by a run that died, where the storage host has it. */
export async function removeTokens(
  storage: SshSession,
  uuid: string,
  folders: readonly string[],
): Promise<void> {
  if (folders.length === 0) return;
  const all = folders.map((folder) => `${quote(tokenPrefix(folder, uuid))}*`).join(" ");
  await storage.run("removing the tokens of a preflight", `rm -f ${all}`);
}
