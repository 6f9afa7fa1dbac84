import { dirname } from "node:path/posix";
import type { GuestStorage } from "../libvirt/domain-xml.ts";
import { parseImageInfo } from "../libvirt/image-info.ts";
import { quote } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";

/** A guest's overlay on the disk of the host where the guest is: a qcow2 file over the shared base image. */
export type LocalOverlay = Required<Pick<GuestStorage, "basePath" | "baseFormat">> & { path: string };

/** Absent: the guest's overlay is on the shared storage. */
export const localOverlayOf = ({
  overlayPath,
  localGiB,
  basePath,
  baseFormat,
}: GuestStorage): LocalOverlay | undefined =>
  localGiB === undefined || basePath === undefined || baseFormat === undefined
    ? undefined
    : { path: overlayPath, basePath, baseFormat };

/** Where a host keeps them. */
export const localOverlayDirectory = "/var/lib/kvm-migration-testbed/disks";

/** The uuid tells it from what another guest of that name may have left. */
export const localOverlayPath = (guest: string, uuid: string): string =>
  `${localOverlayDirectory}/${guest}-${uuid}.qcow2`;

/** What a host has of an overlay; scraps: parts of a copy that is not whole. */
export type OverlayPresence = "file" | "scraps" | "absent";

/** Whether the host has it, by name: libvirt's definition tells whether the file of that name at a move's destination is whole. */
export async function overlayPresence(session: SshSession, { path }: LocalOverlay): Promise<OverlayPresence> {
  const { stdout } = await session.run("looking for an overlay", `ls -d ${quote(path)}* 2>/dev/null || true`);
  const found = stdout.split("\n").filter(Boolean);
  return found.includes(path) ? "file" : found.length > 0 ? "scraps" : "absent";
}

/** Makes an empty one; a file of its name is lost. */
export async function makeOverlay(session: SshSession, overlay: LocalOverlay, bytes: number): Promise<void> {
  const { path, basePath, baseFormat } = overlay;
  const part = quote(`${path}.part`);
  await session.run(
    "making an overlay",
    // -u: the base need not be a file here, where QEMU reaches it over NFS by itself.
    `set -e
mkdir -p -m 755 ${quote(dirname(path))}
qemu-img create -q -u -f qcow2 -b ${quote(basePath)} -F ${baseFormat} ${part} ${bytes}
mv ${part} ${quote(path)}`,
  );
}

/** How large the guest sees it. */
export async function overlayBytes(session: SshSession, { path }: LocalOverlay): Promise<number> {
  const { stdout } = await session.run(
    `reading the size of ${path}`,
    // -U: a running guest has it locked.
    `qemu-img info -U --output=json ${quote(path)}`,
  );
  return parseImageInfo(stdout).virtualBytes;
}

/** Removes it and all that is left of copies of it. */
export async function discardOverlay(session: SshSession, { path }: LocalOverlay): Promise<void> {
  await session.run(
    "removing an overlay",
    // The file itself last: as long as it is there, a run that looks knows that something is left.
    `rm -f ${quote(path)}.* ${quote(path)}; rmdir ${quote(dirname(path))} 2>/dev/null || true`,
  );
}
