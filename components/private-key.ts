import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * The text of the private key that the command provider logs in with. It asks the agent by itself, but does not look at OpenSSH's default
 * files, and can do nothing with a key that has a passphrase: that one is left to the agent. reach.sh makes sure that the agent holds it.
 */
export function readPrivateKey(file: string | undefined): string | undefined {
  if (file) return usable(file);
  if (process.env.SSH_AUTH_SOCK) return undefined;
  const defaults = ["id_ed25519", "id_ecdsa", "id_rsa"].map((key) => join("~/.ssh", key));
  return defaults.map(usable).find((key) => key !== undefined);
}

/** Whether a key is there that only the agent can log in with. */
export function needsAgent(file: string): boolean {
  const text = readIfThere(file);
  return text !== undefined && hasPassphrase(text);
}

/** By a private key's text, in OpenSSH's format or PEM. */
export function hasPassphrase(text: string): boolean {
  const [, encoded] = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)/.exec(text) ?? [];
  if (encoded === undefined) return /^Proc-Type: 4,ENCRYPTED|^-----BEGIN ENCRYPTED PRIVATE KEY/m.test(text);
  // After "openssh-key-v1", a zero byte and four bytes of length comes the name of its cipher.
  return Buffer.from(encoded, "base64").toString("latin1", 19, 23) !== "none";
}

function usable(file: string): string | undefined {
  const text = readIfThere(file);
  return text === undefined || hasPassphrase(text) ? undefined : text;
}

/** A missing file is left for reach.sh to report, together with everything else that it looks at. */
function readIfThere(file: string): string | undefined {
  const path = file.startsWith("~/") ? join(homedir(), file.slice(2)) : resolve(file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
