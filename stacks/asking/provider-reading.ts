import { existsSync, globSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

// libvirt's provider, which declares what is on the storage host, has an SSH client of its own (terraform-provider-libvirt 0.8.3,
// libvirt/uri/ssh.go). It reads ~/.ssh/config by itself, and less of it than OpenSSH does.

/** The first value of a setting for a name as it stands, in lower case. Undefined: nothing is said. */
type ReadSetting = (name: string, key: string) => string | undefined;

/** A route to a machine. */
export interface ProviderRoute {
  hostName: string;
  port: number;
  jump?: { hostName: string; port: number };
}

/**
 * What its reader finds in a configuration: tokens are left as they are, and a file with Match in it, or that includes such a one, is as
 * good as empty. Undefined: it is such a file.
 */
export function providerReading(text: string, depth = 0): ReadSetting | undefined {
  const blocks: { patterns: string[]; settings: (readonly [key: string, value: string | ReadSetting])[] }[] =
    [{ patterns: ["*"], settings: [] }];
  for (const line of text.split("\n")) {
    const [, key = "", value = ""] = /^\s*([^\s#=]+)(?:\s*=\s*|\s+)([^#]*?)\s*(?:#.*)?$/.exec(line) ?? [];
    const name = key.toLowerCase();
    if (name === "match") return undefined;
    if (name === "host") blocks.push({ patterns: value.split(/\s+/), settings: [] });
    else if (name === "include") {
      for (const file of value.split(/\s+/).flatMap(included)) {
        const read = depth < 5 ? providerReading(readFileSync(file, "utf8"), depth + 1) : undefined;
        if (read === undefined) return undefined;
        blocks.at(-1)?.settings.push(["include", read]);
      }
    } else if (key) blocks.at(-1)?.settings.push([name, value]);
  }
  return (name, key) => {
    for (const { patterns, settings } of blocks) {
      if (!isMeant(name, patterns)) continue;
      for (const [own, value] of settings) {
        const found = typeof value === "function" ? value(name, key) : own === key ? value : undefined;
        if (found) return found;
      }
    }
    return undefined;
  };
}

const included = (path: string): string[] =>
  globSync(isAbsolute(path) ? path : join(homedir(), ".ssh", path)).sort();

function isMeant(name: string, patterns: readonly string[]): boolean {
  const matching = patterns.filter((pattern) => {
    const glob = pattern
      .replace(/^!/, "")
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    return new RegExp(`^${glob}$`).test(name);
  });
  return matching.length > 0 && !matching.some((pattern) => pattern.startsWith("!"));
}

/** What ~/.ssh/config is to the provider; where it is not there, nothing. */
export function readAsProvider(file = join(homedir(), ".ssh", "config")): ReadSetting | undefined {
  return existsSync(file) ? providerReading(readFileSync(file, "utf8")) : () => undefined;
}

/** Where the provider would go, told a name and a port. A jump host without a port of its own gets the machine's. */
export function providerRoute(read: ReadSetting, name: string, port: number): ProviderRoute {
  const to = (alias: string) => ({
    hostName: read(alias, "hostname") ?? alias,
    port: Number(read(alias, "port") ?? port),
  });
  const jump = read(name, "proxyjump");
  return { ...to(name), ...(jump !== undefined && { jump: to(jump) }) };
}
