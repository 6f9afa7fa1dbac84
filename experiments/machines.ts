import { loadavg } from "node:os";
import type { Fleet } from "../fleet/fleet.ts";
import { withFleet } from "../fleet/observe.ts";
import { quote } from "../ssh/quote.ts";

/** The one-minute load averages of all machines; in a lab they are those of one and the same kernel. */
export function loads(fleet: Fleet): Promise<Record<string, number>> {
  return withFleet(fleet, async ({ hosts, storage }) => {
    const theirs = await Promise.all(
      [storage, ...hosts].map(async (session) => {
        const { stdout } = await session.run("reading the load", "cut -d ' ' -f 1 /proc/loadavg");
        return [session.target.name, Number(stdout)] as const;
      }),
    );
    return { controller: loadavg()[0] ?? 0, ...Object.fromEntries(theirs) };
  });
}

/** By this handle a shaper is known to be ours. */
const handle = "7e57:";
/** What the kernel has by itself, and makes again when a shaper is taken away. */
const ownQueues = "noqueue|pfifo_fast|fq_codel|fq|mq|pfifo";

/**
 * Shapes all that leaves a host by the device that leads to the other host, or removes the shaper. The storage host's traffic on the same
 * device is shaped, too. A token bucket is enough: not every kernel has netem.
 *
 * @throws when somebody else shapes that device
 */
export async function shapeLink(fleet: Fleet, linkMiBps: number | undefined): Promise<void> {
  await withFleet(fleet, async (sessions) => {
    const hosts = Object.entries(fleet.hosts);
    await Promise.all(
      hosts.map(async ([name]) => {
        const [, peer] = hosts.find(([other]) => other !== name) ?? [];
        if (!peer) return;
        await sessions
          .host(name)
          .run(`shaping the link of ${name}`, shapeScript(peer.peerAddress, linkMiBps));
      }),
    );
  });
}

/** The script that a host runs. */
export function shapeScript(peerAddress: string, linkMiBps: number | undefined): string {
  const find = `set -e
dev=$(ip -o route get ${quote(peerAddress)} | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
[ -n "$dev" ] || { echo "no way to ${peerAddress}" >&2; exit 1; }
queue=$(tc qdisc show dev "$dev" root | head -n 1)`;
  if (linkMiBps === undefined) {
    return `${find}
case "$queue" in *"tbf ${handle} "*) tc qdisc del dev "$dev" root ;; esac`;
  }
  const bytesPerSecond = Math.round(linkMiBps * 2 ** 20);
  // A hundredth of a second's worth, so that timers keep up; a packet with all its segments must fit.
  const burst = Math.max(131_072, Math.round(bytesPerSecond / 100));
  return `${find}
[[ $queue =~ ^(qdisc\\ (${ownQueues})\\ |.*tbf\\ ${handle}\\ |$) ]] || { echo "$dev is shaped already, by somebody else: $queue" >&2; exit 1; }
tc qdisc replace dev "$dev" root handle ${handle} tbf rate ${bytesPerSecond * 8}bit burst ${burst} latency 100ms`;
}
