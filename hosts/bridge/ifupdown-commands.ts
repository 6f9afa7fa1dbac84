/** Interfaces of which a stanza's commands speak, once the uplink's stanza is the bridge's. */
interface Names {
  readonly bridge: string;
  readonly uplink: string;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** ifupdown's own variables for the stanza's interface: from now on that is the bridge. */
const variable = /\$(?:IFACE|LOGICAL)\b|\$\{(?:IFACE|LOGICAL)\}/;
/** What ends one command and begins another. */
const between = /(\s*(?:;|&&|\|\||\|)\s*)/;

/** What sets the card, which a bridge does not have: offloads, wake-on-LAN, queues. */
const ofTheCard = /^(?:ethtool|tc|ip(?:\s+-\S+)*\s+l(?:i(?:nk?)?)?\s)/;
/** What is about addresses, routes and packets, all of which the bridge has. */
const ofTheNetwork =
  /^(?:route|ip(?:\s+-\S+)*\s+(?:r|ro|route|a|addr|address|ru|rule|n|neigh|neighbour|mr|mroute)\s|ip6?tables(?:-\w+)?\s|nft\s|arping\s|sysctl\s|echo\s.*\/proc\/sys\/net\/)/;

/** Whether a text speaks of an interface; `eth0.10` is another one. */
export const mentions = (text: string, name: string): boolean =>
  new RegExp(`(?<![\\w-])${escaped(name)}(?![\\w-]|\\.\\d)`).test(text);

/**
 * The commands of a line (`up …`), with each about the interface that it is about from now on.
 *
 * @returns undefined when that cannot be told
 */
export function movedCommands(commands: string, names: Names): string | undefined {
  const moved = commands.split(between).map((part) => movedCommand(part, names));
  return moved.includes(undefined) ? undefined : moved.join("");
}

function movedCommand(command: string, { bridge, uplink }: Names): string | undefined {
  if (!mentions(command, uplink) && !variable.test(command)) return command;
  const program = command.trim().replace(/^(?:\/usr)?\/s?bin\//, "");
  if (ofTheCard.test(program)) return command.replaceAll(new RegExp(variable, "g"), uplink);
  if (!ofTheNetwork.test(program)) return undefined;
  const moved = command
    .replaceAll(new RegExp(`((?:conf|neigh)[./])${escaped(uplink)}(?=[./])`, "g"), `$1${bridge}`)
    .replaceAll(new RegExp(`(?<![\\w.:/-])${escaped(uplink)}(?![\\w.:/-])`, "g"), bridge);
  return mentions(moved, uplink) ? undefined : moved;
}
