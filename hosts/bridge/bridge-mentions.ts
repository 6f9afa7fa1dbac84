import type { BridgeFindings } from "./findings.ts";
import { mentions } from "./ifupdown-commands.ts";

const comment = /^\s*(#|;|\/\/)/;
/** What tells which card is meant, and is right about it as before: a match, a name, a definition's key. */
const namesTheCard =
  /^\s*(?:(?:Original)?Name\s*=|(?:- )?(?:name|set-name)\s*:|["']?[\w.-]+["']?\s*:\s*(?:\{.*|#.*|&.*)?$)/;

/** What a person should look at, since it stays as it is: sentences, a line of another file each. */
export function mentionWarnings({ bridge, uplink, files, mentions: lines = [] }: BridgeFindings): string[] {
  if (!uplink) return [];
  const planned = new Set(files.map(({ path }) => path));
  return lines
    .filter(
      ({ path, text }) =>
        !planned.has(path) &&
        !path.includes("kvm-migration-testbed") &&
        !comment.test(text) &&
        mentions(text, uplink.name) &&
        !(/\.(link|network|netdev|ya?ml)$/.test(path) && namesTheCard.test(text)),
    )
    .map(({ path, text }) => mentionWarning(path, text, bridge, uplink.name));
}

export const mentionWarning = (path: string, line: string, bridge: string, uplink: string): string =>
  `${path} has the line "${line.trim()}", which stays as it is: what comes and goes over ${uplink} now does so over ${bridge}`;
