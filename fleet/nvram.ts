import type { UefiFirmware } from "../libvirt/domain-xml.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";

// A guest's UEFI variables: a file on the storage host beside the base image, so that they are the same wherever the guest goes.

/** Half a MiB that is nearly empty, as text. */
export const nvramProgram = `
empty_variables() {
  [ -r "$1" ] || { echo "$1 is missing" >&2; return 1; }
  gzip -nc "$1" | base64 -w 0
}
make_variables() {
  [ ! -e "$1" ] || return 0
  rm -f "$1.part"
  # Hosts may write in this folder: a link that one of them put there is not followed (O_EXCL).
  (set -o noclobber; base64 -d | gunzip > "$1.part") && sync "$1.part" && mv -T "$1.part" "$1"
}
`;

/** Makes them, as a new guest has them; those that are there stay. */
export async function makeNvram(
  { template, nvramPath }: UefiFirmware,
  host: SshSession,
  storage: SshSession,
): Promise<void> {
  const { stdout } = await host.run(
    "reading the UEFI variables of a new guest",
    `${nvramProgram}\nempty_variables ${quote(template)}`,
  );
  await storage.run(
    "making a guest's UEFI variables",
    `${nvramProgram}\nmake_variables ${quote(nvramPath)}`,
    { input: stdout },
  );
}

/** Removes them, and what is left of a run that died while it made them. */
export async function discardNvram({ nvramPath }: UefiFirmware, storage: SshSession): Promise<void> {
  await storage.run(
    "removing a guest's UEFI variables",
    `rm -f ${quote(nvramPath)} ${quote(`${nvramPath}.part`)}`,
  );
}
