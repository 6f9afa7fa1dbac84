import { peerCommand } from "../../ssh/remote-command.ts";
import type { Moving } from "../context/moving.ts";

/** The last of libvirt's own ports for memory, which hosts' firewalls let in. */
const defaultPort = 49_215;

/**
 * What the link from source to destination carries now, in MiB/s: zeros over one TCP connection, for a second, until the last of them
 * has arrived. Absent: it could not be measured.
 */
export async function linkRate({
  source,
  destination,
  options,
}: Pick<Moving, "source" | "destination" | "options">): Promise<number | undefined> {
  const address = destination.host.peerAddress;
  const port = options.port ?? defaultPort;
  const { stdout, exitCode } = await source.session.run(
    `measuring the link to ${destination.name}`,
    `${peerCommand(address, `timeout 10 nc -d -l ${port} >/dev/null`)} </dev/null & listener=$!
for _ in {1..60}; do { exec 3<>/dev/tcp/${address}/${port}; } 2>/dev/null && break; kill -0 $listener 2>/dev/null || exit 1; sleep 0.05; done
[ -e /proc/$$/fd/3 ] || exit 1
start=$EPOCHREALTIME
said=$(LC_ALL=C timeout -s INT 1 dd if=/dev/zero bs=256k 2>&1 >&3)
exec 3>&-
wait $listener
echo "$start $EPOCHREALTIME $said"`,
    { allowFailure: true },
  );
  return exitCode === 0 ? parseLinkRate(stdout) : undefined;
}

/** Reads when it began and ended (seconds), and what dd says that it sent. */
export function parseLinkRate(printed: string): number | undefined {
  const [, start, end] = /^(\d+\.\d+) (\d+\.\d+) /.exec(printed) ?? [];
  const bytes = /^(\d+) bytes/m.exec(printed)?.[1];
  const seconds = Number(end) - Number(start);
  return bytes === undefined || !(seconds > 0) ? undefined : Number(bytes) / 1_048_576 / seconds;
}
