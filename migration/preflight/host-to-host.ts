import { virshCommand } from "../../libvirt/virsh.ts";
import { quote } from "../../ssh/quote.ts";
import { remoteCommand } from "../../ssh/remote-command.ts";
import type { Endpoint } from "../context/moving.ts";

/**
 * libvirt's own path from host to host. Returns what went wrong.
 *
 * The connection stays open for some seconds after its last user (OpenSSH's ControlPersist), where libvirt's ssh looks for one
 * (hosts/scripts/trust.sh): what was tried is what the move then uses, and no second handshake is waited for. It is a process of its own at the
 * source, that does not end with this program; if it has ended, libvirt's ssh makes a connection of its own.
 */
export async function tryHostToHost(source: Endpoint, destination: Endpoint): Promise<string | undefined> {
  const to = quote(`root@${destination.host.peerAddress}`);
  const route = JSON.stringify([source.host.ssh, destination.host.peerAddress]);
  if (isFresh(route) && (await stillReaches(source, to))) return undefined;
  const { exitCode, stdout } = await source.session.run(
    "asking whether the hosts reach each other",
    wayScript(to),
    { allowFailure: true },
  );
  if (exitCode === 0) openedMs.set(route, performance.now());
  else openedMs.delete(route);
  return exitCode === 0 ? undefined : stdout.trim() || `exit code ${exitCode}`;
}

/** When this process opened the connections that it was let in by, by source and destination. */
const openedMs = new Map<string, number>();

/** How long one of our own is worth asking by: a move is planned, and made right after that. */
const freshMs = 10_000;

const isFresh = (route: string): boolean =>
  performance.now() - (openedMs.get(route) ?? Number.NEGATIVE_INFINITY) < freshMs;

const speaks = quote(remoteCommand(virshCommand(["uri"])));

/** By the connection that is open. One that died in this time answers nobody. */
const stillReaches = (source: Endpoint, to: string): Promise<boolean> =>
  source.session
    .run(
      "asking whether the hosts still reach each other",
      `ssh -n -o ControlMaster=no -o BatchMode=yes -o ConnectTimeout=2 ${to} ${speaks} >/dev/null 2>&1`,
      { allowFailure: true, timeoutMs: 2_000 },
    )
    .then(({ exitCode }) => exitCode === 0)
    .catch(() => false);

/**
 * A new connection, since an old one may have died unnoticed; users of an old one stay on it (-O stop). It dies before libvirt's own
 * patience with a silent host is over, 30 s. What stays open must hold none of our own pipes.
 */
const wayScript = (to: string): string => `
said=$(mktemp)
ssh -O stop ${to} 2>/dev/null
ssh -n -M -o ControlPersist=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=4 -o BatchMode=yes -o ConnectTimeout=10 ${to} \
  ${speaks} >/dev/null 2>"$said" && rm -f "$said" || { cat "$said"; rm -f "$said"; false; }`;
