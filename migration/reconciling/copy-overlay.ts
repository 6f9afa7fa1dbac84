import { randomUUID } from "node:crypto";
import { dirname } from "node:path/posix";
import { quote } from "../../ssh/quote.ts";
import { peerCommand } from "../../ssh/remote-command.ts";
import { type Moving, overlayOf } from "../context/moving.ts";
import { followCopy, scpCommand } from "./copy-file.ts";
import { diskStamp, noteCopy } from "./noted-disk.ts";

// How an overlay that lies on a host's own disk gets to the destination.

/**
 * Copies the overlay of a guest that is off, and notes both once the copy is whole and on the disk there. Until then the guest is not defined at
 * the destination, so that nobody writes to the copy. What a dead run has copied so far is thrown away: the guest may have run since. Returns its size in
 * MiB.
 */
export async function copyOverlay(moving: Moving): Promise<number> {
  const { guest, source, destination, timeoutMs, cancelled } = moving;
  const { path } = overlayOf(moving);
  // Before it is read: what is written to it meanwhile is not in the copy.
  const original = await diskStamp(moving, "source", [path]);
  // A run that was killed may have left its copy going: it has lost its ticket, without which a copy does not get its name.
  const own = `${path}.${randomUUID()}`;
  const [part, ticket] = [quote(`${own}.part`), quote(`${own}.ticket`)];
  await destination.session.run(
    "making room for an overlay",
    `mkdir -p -m 755 ${quote(dirname(path))}; rm -f ${quote(path)}.* ${quote(path)}; true > ${ticket}`,
  );
  const copy = await followCopy(moving, "overlay", path, `${own}.part`);
  const arrive = `sync ${part} && rm ${ticket} && mv ${part} ${quote(path)} && sync ${quote(dirname(path))} || { rm -f ${part}; false; }`;
  try {
    await source.session.run(
      `copying the overlay of guest ${guest} to ${destination.name}`,
      `set -e
${scpCommand(moving, path, `${own}.part`)}
${peerCommand(destination.host.peerAddress, arrive)}`,
      { timeoutMs, signal: cancelled },
    );
  } finally {
    await copy.stop();
  }
  await noteCopy(moving, path, original);
  return copy.sizeMiB;
}
