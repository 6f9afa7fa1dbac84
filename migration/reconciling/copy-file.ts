import { quote } from "../../ssh/quote.ts";
import type { Moving } from "../context/moving.ts";

// Files that this program copies from host to host, over SSH.

const mib = 1024 * 1024;

/** Copies a file of the source's to the destination, no faster than the move's limit, on a connection of its own. */
export function scpCommand({ options, destination }: Moving, from: string, to: string): string {
  // In Kibit/s.
  const limit = options.bandwidthMiBps === undefined ? "" : `-l ${options.bandwidthMiBps * 8192} `;
  const target = `root@${destination.host.peerAddress}:${to}`;
  return `scp -q ${limit}-o BatchMode=yes -o ControlPath=none ${quote(from)} ${quote(target)}`;
}

/** Measures a file at the source, and tells at once, and then once a second, how much of it has arrived. */
export async function followCopy(
  { guest, source, destination, tell }: Moving,
  what: string,
  from: string,
  to: string,
): Promise<{ sizeMiB: number; stop: () => Promise<void> }> {
  const { stdout } = await source.session.run(`measuring the ${what}`, `stat -c %s ${quote(from)}`);
  const sizeMiB = Number(stdout) / mib;
  const tellDone = (doneMiB: number) =>
    tell(`${guest}: copying the ${what}, ${doneMiB.toFixed(0)} of ${sizeMiB.toFixed(0)} MiB`, true);
  tellDone(0);
  const arrived = `while sleep 1; do stat -c %s ${quote(to)} 2>/dev/null; done`;
  const progress = destination.session.follow(arrived, (bytes) => tellDone(Number(bytes) / mib));
  return { sizeMiB, stop: () => progress.stop() };
}
