import { quote } from "./quote.ts";

/** Stands on a line of its own before what a command prints: what comes before it is of rc files, sudo and ssh. */
const marker = "--- kvm-migration-testbed ---";

/** A bash script whose output, both kinds, can be told from others'. */
export const behindMarker = (script: string): string =>
  `printf '\\n%s\\n' '${marker}'; printf '\\n%s\\n' '${marker}' >&2\n${script}`;

export const saidMarker = (line: string): boolean => line === marker;

/** What such a script printed itself. Undefined: it was not begun. */
export function outputBehindMarker(printed: string): string | undefined {
  const [before, ...behind] = printed.split(new RegExp(`(?:^|\\n)${marker}(?:\\n|$)`));
  return before === printed ? undefined : behind.join(`\n${marker}\n`);
}

/**
 * The command line that runs a bash script on another machine, whatever shell its user logs in to: within these quotes a POSIX shell, fish
 * and tcsh agree about all characters but the ones that are written as numbers. Neither the locale nor bash's own files have a say.
 *
 * @param as `sudo`: as root, by way of sudo; default: as who has logged in
 */
export function remoteCommand(script: string, as: "root" | "sudo" | "self" = "self"): string {
  const text = script.replaceAll(
    /['!\\\n]/g,
    (character) => `\\0${character.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
  return `exec ${as === "sudo" ? "sudo -n " : ""}${plainBash} -c 'eval "$(printf %b "$0")"' '${text}'`;
}

/** bash without what the user, the host's locale or its administrator have set for people who log in. */
const plainBash = "env -u BASH_ENV -u ENV LC_ALL=C bash --norc";

/** The command line, for a host, that runs a bash script on another one: as root, by the way that libvirt itself takes there. */
export const peerCommand = (peerAddress: string, script: string): string =>
  `ssh -o BatchMode=yes ${quote(`root@${peerAddress}`)} ${quote(remoteCommand(script))}`;
