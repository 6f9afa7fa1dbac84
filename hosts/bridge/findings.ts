// What bridge-find.sh saw of a host's network configuration, and the shape of what a new bridge takes of it.

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** A host's network configuration, as far as a bridge is concerned. */
export interface BridgeFindings {
  /** What configures the uplink; without one, what configures the host. */
  readonly manager: "networkd" | "netplan" | "ifupdown";
  readonly bridge: string;
  /** Absent: no interface of the host's joins the bridge. */
  readonly uplink?: Uplink;
  /**
   * networkd: the uplink's .network file and its drop-ins, in the order that networkd reads them. ifupdown:
   * /etc/network/interfaces and the files that it sources.
   */
  readonly files: readonly TextFile[];
  /** netplan: all of `ethernets`, merged from its files. */
  readonly ethernets?: string;
  /** Lines of other files that have the uplink's name in them, in any meaning. */
  readonly mentions?: readonly TextFile[];
}

export interface Uplink {
  readonly name: string;
  readonly mac: string;
  /** netplan: its key in `ethernets`. */
  readonly definition?: string;
  /** networkd: the client's identifier of its DHCP lease, in hexadecimal. */
  readonly dhcpClient?: string;
}

export interface BridgePlan {
  /** What is in /etc for good, once the host could be reached over the bridge. */
  readonly keep: readonly TextFile[];
  /** The same in /run, for the time until then: a host that is power-cycled comes back as it was. */
  readonly trial: readonly TextFile[];
  /** What a person should look at: sentences. */
  readonly warnings?: readonly string[];
}

/** Reads bridge-find.sh's lines: a key, for a file its path, and the value in base64. */
export function parseFindings(lines: string): BridgeFindings {
  const values = new Map<string, string>();
  const files: TextFile[] = [];
  const mentions: TextFile[] = [];
  for (const line of lines.split("\n").filter(Boolean)) {
    const [key = "", ...rest] = line.split(" ");
    const value = Buffer.from(rest.pop() ?? "", "base64").toString();
    if (key === "file") files.push({ path: rest.join(" "), text: value });
    else if (key === "mention") mentions.push({ path: rest.join(" "), text: value.trimEnd() });
    else values.set(key, value);
  }
  const manager = values.get("manager");
  const bridge = values.get("bridge");
  if ((manager !== "networkd" && manager !== "netplan" && manager !== "ifupdown") || bridge === undefined) {
    throw new Error(
      `Reading a host's network configuration: this is not what bridge-find.sh prints: ${lines}`,
    );
  }
  const [name, mac, definition, dhcpClient, ethernets] = [
    "uplink",
    "mac",
    "definition",
    "dhcp-client",
    "ethernets",
  ].map((key) => values.get(key));
  return {
    manager,
    bridge,
    files,
    ...(name &&
      mac && { uplink: { name, mac, ...(definition && { definition }), ...(dhcpClient && { dhcpClient }) } }),
    ...(ethernets !== undefined && { ethernets }),
    ...(mentions.length > 0 && { mentions }),
  };
}
