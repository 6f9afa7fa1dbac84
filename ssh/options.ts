import { homedir } from "node:os";
import { join } from "node:path";
import type { SshTarget } from "./target.ts";

const expandHome = (path: string): string => (path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);

/** A path as a value of OpenSSH's configuration, where blanks end a value and percent signs begin tokens. */
export const pathValue = (path: string): string => {
  const text = expandHome(path).replaceAll("%", "%%");
  return /^[\w./~@+:,%-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
};

/** What ~/.ssh/config may say for a person's own logins, and what would spoil ours. Scripts have it from options.sh. */
export const ownSession: readonly (readonly [key: string, value: string])[] = [
  // OpenSSH before 8.7 does not know all of these, and of several IgnoreUnknown only the first counts: this one holds the user's own, too.
  ["IgnoreUnknown", "*"],
  ["ControlMaster", "no"],
  ["ControlPath", "none"],
  ["ControlPersist", "no"],
  ["RequestTTY", "no"],
  ["RemoteCommand", "none"],
  ["SessionType", "default"],
  ["StdinNull", "no"],
  ["ForkAfterAuthentication", "no"],
  ["PermitLocalCommand", "no"],
  ["ClearAllForwardings", "yes"],
  ["ForwardAgent", "no"],
  ["ForwardX11", "no"],
  ["Tunnel", "no"],
  ["VisualHostKey", "no"],
];

/** OpenSSH's options for a target: strict about host keys wherever they are known. Those for multiplexing come before them. */
export function sshOptions(target: SshTarget): string[] {
  const options: (readonly [key: string, value: string])[] = [
    ["BatchMode", "yes"],
    ["ConnectTimeout", "10"],
    // A host that died in the middle of a move is noticed within 15 s.
    ["ServerAliveInterval", "5"],
    ["ServerAliveCountMax", "3"],
    ["LogLevel", "ERROR"],
    ...ownSession,
  ];
  if (target.privateKeyFile) {
    options.push(["IdentitiesOnly", "yes"], ["IdentityFile", pathValue(target.privateKeyFile)]);
  }
  if (target.knownHostsFile) {
    options.push(["UserKnownHostsFile", pathValue(target.knownHostsFile)], ["StrictHostKeyChecking", "yes"]);
  }
  return [
    ...options.flatMap(([key, value]) => ["-o", `${key}=${value}`]),
    "-p",
    String(target.port),
    "-l",
    target.user,
  ];
}
