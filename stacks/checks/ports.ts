// The ports that guests take on the hosts, each taken by one guest alone.
import { vncPort } from "../defaults.ts";
import type { Mistake } from "../mistake.ts";
import { claim, clashes } from "./clashes.ts";
import { type Draft, guestsOf, valueOr } from "./draft.ts";

/** A guest can go to any host, so all guests' ports on the hosts must differ: VNC's, and those of moves at once. */
export function ports(draft: Draft): Mistake[] {
  const claims = guestsOf(draft).flatMap(({ entry, name, title, path, isFirst }) => {
    const display = entry.vnc && valueOr(entry.vnc, "port", name && isFirst ? vncPort(name) : undefined);
    const isOwn = "port" in (entry.migration ?? {});
    const data = isOwn ? entry.migration?.port : draft.migration?.port;
    return [
      ...claim(display?.toString(), `${title}'s VNC display`, [...path, "vnc", "port"]),
      ...claim(
        data?.toString(),
        `${title}'s migration`,
        isOwn ? [...path, "migration", "port"] : ["migration", "port"],
      ),
    ];
  });
  return clashes("port", claims, "guests meet on the hosts: give each a port of its own, or leave it out");
}
