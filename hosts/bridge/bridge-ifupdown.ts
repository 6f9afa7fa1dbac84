import { bridgeByHand } from "./bridge-by-hand.ts";
import { mentionWarning } from "./bridge-mentions.ts";
import type { BridgeFindings, BridgePlan, TextFile, Uplink } from "./findings.ts";
import { mentions, movedCommands } from "./ifupdown-commands.ts";

const main = "/etc/network/interfaces";
const mark = "# kvm-migration-testbed:";
/** Lines that begin something new, and so end a stanza. */
const keyword =
  /^\s*(iface|auto|allow-\S+|no-auto-down|no-scripts|mapping|rename|template|source|source-directory|source-dir)\b/;
/** Options that make an interface what it is, or set its hardware: they cannot be a bridge's. */
const ofTheLink = /^\s*((?:bond|slaves|bridge|vlan|wpa|wireless|ethernet|link|driver|offload)\b\S*)/;
const commands = /^(\s*(?:pre-up|up|post-up|down|pre-down|post-down)\s+)(.*)$/;

/**
 * ifupdown's files for a new bridge: the uplink's stanzas become the bridge's, and make it. Only iproute2 is needed. A
 * stanza in a second file would not do: ifupdown adds up the stanzas of one interface.
 */
export function ifupdownBridge({ bridge, uplink, files }: BridgeFindings): BridgePlan {
  const trialPath = `/run/kvm-migration-testbed-bridge-${bridge}.interfaces`;
  if (!uplink) {
    const stanza = lonely(bridge);
    return { keep: [beside(stanza, bridge, files)], trial: [{ path: trialPath, text: stanza }] };
  }

  const { rewritten, warnings } = rewrite(files, bridge, uplink);
  const keep = rewritten.filter(({ text }, at) => text !== files[at]?.text);
  const volatile = keep.find(({ path }) => path.startsWith("/run/"));
  if (volatile) {
    throw new Error(
      `${uplink.name} is configured by ${volatile.path}, which is made anew at every boot. ${bridgeByHand(bridge, uplink.name)}`,
    );
  }
  // One file for `ifup --interfaces`: what these files source is here already.
  const trial = rewritten
    .map(({ text }) => text.replace(/^\s*source(-dir|-directory)?\s.*$/gm, ""))
    .join("\n");
  return { keep, trial: [{ path: trialPath, text: trial }], warnings };
}

/** A line that begins something, with those up to the next one. The lines before a file's first one have no head. */
interface Stanza {
  head?: string;
  body: string[];
}

function stanzasOf(text: string): Stanza[] {
  const found: Stanza[] = [];
  let current: Stanza = { body: [] };
  for (const line of text.split("\n")) {
    if (keyword.test(line)) {
      found.push(current);
      current = { head: line, body: [] };
    } else current.body.push(line);
  }
  return [...found, current];
}

/** All files with the uplink's stanzas as the bridge's, which is made before the first of them and goes after the last. */
function rewrite(files: readonly TextFile[], bridge: string, { name: uplink, mac }: Uplink) {
  const isUplinks = ({ head = "" }: Stanza) => isStanzaOf(head, uplink);
  const count = files.flatMap(({ text }) => stanzasOf(text)).filter(isUplinks).length;
  let seen = 0;
  const warnings: string[] = [];
  const rewritten = files.map(({ path, text }) => {
    const lines: string[] = [];
    for (const stanza of stanzasOf(text)) {
      const { head, body } = stanza;
      if (head !== undefined && isStanzaOf(head, `${uplink}:`)) {
        throw new Error(
          `${path} gives ${uplink} more addresses by labels (${head.trim()}), which cannot be moved to a new bridge. ${bridgeByHand(bridge, uplink)}`,
        );
      }
      if (head !== undefined && isUplinks(stanza)) {
        seen += 1;
        const options = body.flatMap((line) => movedOption(line, path, bridge, uplink));
        lines.push(renamed(head, uplink, bridge), ...(seen === 1 ? join(bridge, uplink, mac) : []));
        lines.push(...(seen === count ? withLast(release(bridge, uplink), options) : options));
        continue;
      }
      if (head !== undefined) {
        const started = startedAs(head, uplink, bridge);
        lines.push(...started.filter((line) => line !== `auto ${bridge}` || !lines.includes(line)));
      }
      lines.push(...body);
      const speaking = body.filter((line) => !isComment(line) && mentions(line, uplink));
      warnings.push(...speaking.map((line) => mentionWarning(path, line, bridge, uplink)));
    }
    return { path, text: lines.join("\n") };
  });
  return { rewritten, warnings };
}

/** A line of one of the uplink's stanzas, as it is in the bridge's. */
function movedOption(line: string, path: string, bridge: string, uplink: string): string[] {
  const foreign = ofTheLink.exec(line)?.[1];
  if (foreign) {
    throw new Error(
      `${path} sets ${foreign} for ${uplink}, which cannot be a bridge's. ${bridgeByHand(bridge, uplink)}`,
    );
  }
  if (isComment(line)) return [line];
  const [, when = "", said = line] = commands.exec(line) ?? [];
  const moved = when === "" ? unlessMentioned(line, uplink) : movedCommands(said, { bridge, uplink });
  if (moved === undefined) {
    throw new Error(
      `${path} has the line "${line.trim()}" for ${uplink}, and whether it is about the card or about what would be ${bridge}'s cannot be told. ${bridgeByHand(bridge, uplink)}`,
    );
  }
  // A bridge has the smallest MTU of what is in it.
  const mtu = /^\s*mtu\s+(\d+)/.exec(line)?.[1];
  return [`${when}${moved}`, ...(mtu ? [`    pre-up ip link set dev ${uplink} mtu ${mtu}`] : [])];
}

/** A stanza's lines with more of them at its end, before the empty lines and comments that lead to the next one. */
function withLast(last: readonly string[], lines: readonly string[]): string[] {
  const at = lines.findLastIndex((line) => !/^\s*(#|$)/.test(line)) + 1;
  return [...lines.slice(0, at), ...last, ...lines.slice(at)];
}

const isComment = (line: string) => /^\s*#/.test(line);

/** A line that goes on with a command, or an option that nobody thought of. */
const unlessMentioned = (line: string, uplink: string): string | undefined =>
  mentions(line, uplink) || /\$\{?(IFACE|LOGICAL)\b/.test(line) ? undefined : line;

const join = (bridge: string, uplink: string, mac: string) => [
  `    ${mark} ${bridge} is made here, with ${uplink} in it, whose addresses it has.`,
  `    pre-up ip link show dev ${bridge} > /dev/null 2>&1 || ip link add name ${bridge} address ${mac} type bridge stp_state 0 forward_delay 0`,
  `    pre-up ip link set dev ${uplink} master ${bridge} up`,
];

const release = (bridge: string, uplink: string) => [
  `    ${mark} and goes here.`,
  `    post-down ip link set dev ${uplink} nomaster || true`,
  `    post-down ip link delete dev ${bridge} || true`,
];

const lonely = (bridge: string) =>
  [
    `${mark} a bridge that no interface of the host's is in.`,
    `auto ${bridge}`,
    `iface ${bridge} inet manual`,
    `    pre-up ip link add name ${bridge} type bridge stp_state 0 forward_delay 0`,
    `    up ip link set dev ${bridge} up`,
    `    post-down ip link delete dev ${bridge} || true`,
    "",
  ].join("\n");

/** In a file of its own where the host's configuration takes such. */
function beside(stanza: string, bridge: string, files: readonly TextFile[]): TextFile {
  const text = files.find(({ path }) => path === main)?.text ?? "";
  const folder = /^\s*source(?:-dir|-directory)?\s+(\/etc\/network\/interfaces\.d)(?:\/\*)?\s*$/m.exec(
    text,
  )?.[1];
  return folder
    ? // source-directory takes no dots.
      { path: `${folder}/kvm-migration-testbed-${bridge.replaceAll(".", "-")}`, text: stanza }
    : { path: main, text: `${text}\n${stanza}` };
}

const isStanzaOf = (line: string, name: string) => {
  const [word, configured = ""] = line.trim().split(/\s+/);
  return word === "iface" && (configured === name || (name.endsWith(":") && configured.startsWith(name)));
};

const renamed = (line: string, uplink: string, bridge: string) =>
  line.replace(new RegExp(`^(\\s*iface\\s+)${escaped(uplink)}(?=\\s)`), `$1${bridge}`);

/** `auto` and the like: the bridge is started at boot; there is nothing that could be plugged in. */
function startedAs(line: string, uplink: string, bridge: string): string[] {
  const [word = "", ...listed] = line.trim().split(/\s+/);
  if (!/^(auto|allow-\S+|no-auto-down|no-scripts)$/.test(word) || !listed.includes(uplink)) return [line];
  const others = listed.filter((name) => name !== uplink);
  const start = word.startsWith("no-") ? word : "auto";
  return [...(others.length > 0 ? [`${word} ${others.join(" ")}`] : []), `${start} ${bridge}`];
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
