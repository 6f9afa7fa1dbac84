import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";

/** Where a host keeps the state file (the saved memory) and the definition of a guest that is being moved offline. */
export const stateDirectory = "/var/lib/kvm-migration-testbed/moving";

export const stateFilePath = (uuid: string): string => `${stateDirectory}/${uuid}.state`;
export const definitionPath = (uuid: string): string => `${stateDirectory}/${uuid}.xml`;

export async function makeStateDirectory(session: SshSession): Promise<void> {
  await session.run("making the folder for state files", `mkdir -p -m 700 ${quote(stateDirectory)}`);
}

/**
 * Whether the host has a complete state file. libvirt writes "LibvirtQemudPart" at its head while it saves and
 * "LibvirtQemudSave" once all is there (qemu_saveimage.h); a copy gets its name only when it is whole.
 */
export async function hasStateFile(session: SshSession, uuid: string): Promise<boolean> {
  const file = quote(stateFilePath(uuid));
  const { stdout } = await session.run(
    "looking for a state file",
    `if [ -e ${file} ]; then head -c 16 ${file}; fi`,
  );
  return stdout === "LibvirtQemudSave";
}

export async function discardStateFiles(session: SshSession, uuid: string): Promise<void> {
  const [state, definition] = [quote(stateFilePath(uuid)), quote(definitionPath(uuid))];
  await session.run(
    "removing a state file",
    // The state file last: as long as it is there, a run that looks knows that something is left.
    `rm -f ${definition} ${state}.part ${state}.lock ${state}; rmdir ${quote(stateDirectory)} 2>/dev/null || true`,
  );
}
