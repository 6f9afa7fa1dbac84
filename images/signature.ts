import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { fetchFile, reason } from "./http.ts";
import { ImageError } from "./image.ts";

/** Where the keys are that may sign. */
export interface KeySources {
  /** A file of keys, which is trusted. */
  keyring: string;
  /** Where there is none: a key server, and the one key that is taken from it. */
  keyserver: string;
  fingerprint: string;
}

/** Keys as gpgv takes them. */
interface Keys {
  keyring: Buffer;
  /** The only one of them that may have signed; absent: any. */
  fingerprint?: string;
}

/** @returns the keys, or why no signature can be checked on this machine, with what to do */
export async function findKeys(from: KeySources, timeoutMs: number): Promise<Keys | string> {
  const { failed } = await execa("gpgv", ["--version"], { reject: false });
  if (failed) return "its signature cannot be checked without gpgv (apt-get install gpgv)";
  const keyring = await readFile(from.keyring).catch(() => undefined);
  if (keyring) return { keyring };
  const { keyserver, fingerprint } = from;
  try {
    const url = `${keyserver}/pks/lookup?op=get&options=mr&search=0x${fingerprint}`;
    return { keyring: withoutArmor((await fetchFile(url, timeoutMs)).toString()), fingerprint };
  } catch (error) {
    return (
      `its signature cannot be checked without Ubuntu's keys, which are neither in ${from.keyring} ` +
      `(on Ubuntu: apt-get install ubuntu-keyring; elsewhere copy that file from an Ubuntu machine) nor to be had from ${keyserver} (${reason(error)})`
    );
  }
}

/** The bytes of a key in ASCII armor (RFC 9580, section 6.2): after an empty line, and before a checksum. */
function withoutArmor(text: string): Buffer {
  const [, body] =
    /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:.+\r?\n)*\r?\n([\w+/=\s]+?)\r?\n(?:=[\w+/]{4}\r?\n)?-----END/.exec(
      text,
    ) ?? [];
  if (body === undefined) throw new Error("it answers with no key");
  return Buffer.from(body, "base64");
}

/**
 * @param what is signed, as it is called in an error
 * @throws ImageError unless one of the keys, which is neither expired nor revoked, signed just that
 */
export async function checkSignature(
  what: string,
  signed: Buffer,
  signature: Buffer,
  keys: Keys,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "signature-"));
  try {
    const [text, detached, keyring] = ["signed", "signature", "keyring"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    await Promise.all([
      writeFile(text, signed),
      writeFile(detached, signature),
      writeFile(keyring, keys.keyring),
    ]);
    const options = ["--homedir", folder, "--keyring", keyring, "--status-fd", "1"];
    const { exitCode, stdout, stderr } = await execa("gpgv", [...options, detached, text], { reject: false });
    // doc/DETAILS of GnuPG: the last word of VALIDSIG is the fingerprint of the primary key.
    const signer = /^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/m.exec(stdout)?.[1];
    const isGood = exitCode === 0 && /^\[GNUPG:\] GOODSIG /m.test(stdout);
    if (isGood && signer && signer === (keys.fingerprint ?? signer)) return;
    const why = isGood ? `signed by ${signer}` : `gpgv: ${stderr.trim().split("\n").at(-1)}`;
    throw new ImageError(
      `${what} is not what Ubuntu signed (${why}); nothing of it is used. ` +
        "Either someone changed it on its way, or Ubuntu signs with a new key: then bring its keys up to date (apt-get install ubuntu-keyring).",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
