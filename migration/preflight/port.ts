import { libvirtPorts } from "../../moves/options.ts";
import { type Check, failed, passed } from "./checks/check.ts";

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
