import type { DomainFacts } from "../../libvirt/domain-facts.ts";
import { libvirtPorts } from "../../moves/options.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** @param error what SSH or libvirt said; absent: it works */
function hostToHostCheck(source: string, destination: string, error?: string): Check {
  return error === undefined
    ? passed("host to host", `${source} reaches libvirt on ${destination} over SSH`)
    : failed(
        "host to host",
        `${source} does not reach libvirt on ${destination} over SSH: ${error.replace(/\.+$/, "")}. ` +
          "Is sshd running there, and does a firewall let it in? `pulumi up --refresh` fixes keys and firewall rules",
      );
}

/** What came of listening at the destination and calling from the source, on a port of the migration's. */
export interface PortProof {
  /** Absent: none could be listened on. */
  port?: number;
  /** Absent: the call got through. */
  error?: string;
}

export function portCheck(
  source: string,
  destination: string,
  { port, error }: PortProof,
  wanted?: number,
): Check {
  const ports = wanted ?? `${libvirtPorts.first} to ${libvirtPorts.last}`;
  if (port === undefined) {
    return failed(
      "migration port",
      wanted === undefined
        ? `none of ${destination}'s TCP ports ${ports} is free: see what listens there (ss -ltnp)`
        : `${destination}'s TCP port ${wanted} (migration.port) is taken: see by what (ss -ltnp), or leave the choice to libvirt`,
    );
  }
  return error === undefined
    ? passed("migration port", `${source} reaches TCP port ${port} of ${destination} (of ${ports})`)
    : failed(
        "migration port",
        `${source} does not reach TCP port ${port} of ${destination} (${error}), where it would send the guest's memory: ` +
          `open TCP ports ${ports} there to ${source}; \`pulumi up --refresh\` does where the firewall is ufw or nftables' service`,
      );
}

/** Names of bridges, and their MTU. */
type Bridges = Readonly<Record<string, number>>;

export function bridgeCheck(
  [source, atSource]: readonly [string, Bridges],
  [destination, atDestination]: readonly [string, Bridges],
  { interfaces }: DomainFacts,
): Check {
  const checks = interfaces.flatMap(({ bridge, mtu }) => {
    if (bridge === undefined) return [];
    const there = atDestination[bridge];
    const here = atSource[bridge];
    if (there === undefined) {
      const has = Object.keys(atDestination).join(", ") || "none";
      return [
        failed(
          "bridge",
          `${destination} has no bridge ${bridge}, on which the guest is (it has ${has}): \`pulumi up --refresh\` makes it`,
        ),
      ];
    }
    if (mtu !== undefined && mtu > there) {
      return [
        failed(
          "bridge",
          `the guest's network card has an MTU of ${mtu}, ${bridge} on ${destination} only ${there}: raise it there (ip link set ${bridge} mtu ${mtu})`,
        ),
      ];
    }
    if (here !== undefined && there < here) {
      return [
        warned(
          "bridge",
          `${bridge} has an MTU of ${here} on ${source} and of ${there} on ${destination}: a guest that uses more than ${there} loses its large packets there`,
        ),
      ];
    }
    return [passed("bridge", `${destination} has ${bridge}, with an MTU of ${there}`)];
  });
  return (
    checks.find(({ verdict }) => verdict === "fail") ??
    checks.find(({ verdict }) => verdict === "warn") ??
    checks[0] ??
    passed("bridge", "the guest is on no bridge")
  );
}

export const hostToHost: PreflightCheck = {
  judge: ({ source, destination, hostToHostError }) =>
    hostToHostCheck(source.name, destination.name, hostToHostError),
};

export const bridge: PreflightCheck = {
  asks: () => ({ source: [{ ask: "bridges" }], destination: [{ ask: "bridges" }] }),
  judge: ({ source, destination, atSource, atDestination, domain }) =>
    bridgeCheck([source.name, atSource.bridges], [destination.name, atDestination.bridges], domain),
};
