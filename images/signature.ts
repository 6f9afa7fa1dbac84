import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ImageError } from "./image.ts";

/** Why no signature by the keys of a file can be checked on this machine, with what to do; nothing: it can. */
export async function whyUncheckable(keyring: string): Promise<string | undefined> {
  if ((await stat(keyring).catch(() => undefined)) === undefined)
    return (
      `its signature cannot be checked without Ubuntu's keys in ${keyring} ` +
      `(on Ubuntu: apt-get install ubuntu-keyring; elsewhere copy that file from an Ubuntu machine)`
    );
  const { failed } = await execa("gpgv", ["--version"], { reject: false });
  return failed ? "its signature cannot be checked without gpgv (apt-get install gpgv)" : undefined;
}

/**
 * @param what is signed, as it is called in an error
 * @throws ImageError unless one of the keyring's keys, which is neither expired nor revoked, signed just that
 */
export async function checkSignature(
  what: string,
  signed: Buffer,
  signature: Buffer,
  keyring: string,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "signature-"));
  try {
    const [text, detached] = [join(folder, "signed"), join(folder, "signature")];
    await writeFile(text, signed);
    await writeFile(detached, signature);
    const options = ["--homedir", folder, "--keyring", keyring, "--status-fd", "1"];
    const { exitCode, stdout, stderr } = await execa("gpgv", [...options, detached, text], { reject: false });
    if (exitCode === 0 && /^\[GNUPG:\] GOODSIG /m.test(stdout)) return;
    throw new ImageError(
      `${what} is not what Ubuntu signed (gpgv: ${stderr.trim().split("\n").at(-1)}); nothing of it is used. ` +
        `Either someone changed it on its way, or Ubuntu signs with a new key: then bring ${keyring} up to date (apt-get install ubuntu-keyring).`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
