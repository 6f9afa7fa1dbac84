import { dirname } from "node:path/posix";
import type { DomainFacts } from "../../libvirt/domain-facts.ts";
import { type Check, failed, passed } from "./checks/check.ts";

/** A folder that holds disks of the guest's, and how QEMU gets to it. */
export interface DiskFolder {
  transport: "kernel" | "userspace";
  /** The NFS server, where QEMU speaks to it itself. */
  server: string;
  path: string;
}

/**
 * The folders of all disks that the guest writes to, each once; of one that moves along, that of the image it lies over.
 *
 * @param movesAlong path of the disk that is copied to the destination; absent: none is
 */
export function diskFolders({ disks }: DomainFacts, movesAlong?: string): DiskFolder[] {
  const folders = disks
    .filter(({ isReadOnly }) => !isReadOnly)
    .map((disk) => (disk.path !== undefined && disk.path === movesAlong ? (disk.backing ?? {}) : disk))
    .flatMap(({ path, server }): DiskFolder[] =>
      path === undefined
        ? []
        : [
            {
              transport: server === undefined ? "kernel" : "userspace",
              server: server ?? "",
              path: dirname(path),
            },
          ],
    );
  return [...new Map(folders.map((folder) => [JSON.stringify(folder), folder])).values()];
}

/** What came of one folder: written through the source, read through the destination. */
export interface TokenProof {
  folder: DiskFolder;
  written: string;
  read?: string;
  /** What was said where it could not be written, or read. */
  writeError?: string;
  readError?: string;
}

/** Whether a client says this of a server that is up but lets nobody open a file yet (EAGAIN, for NFS4ERR_GRACE and NFS3ERR_JUKEBOX). */
export const isInGrace = (error = ""): boolean => error.includes("Resource temporarily unavailable");

/** Whether both hosts mean the same folder by the same path: a path alone says nothing of what is mounted there. */
export function imageCheck(source: string, destination: string, proofs: readonly TokenProof[]): Check {
  const bad = proofs.find(({ written, read }) => read !== written);
  if (!bad) {
    const folders = proofs.map(({ folder }) => folder.path).join(" and ");
    return passed(
      "image",
      proofs.length === 0
        ? "the guest writes to no disk"
        : `what ${source} wrote into ${folders}, ${destination} read there`,
    );
  }
  const { folder, writeError, readError } = bad;
  const place = folder.transport === "kernel" ? folder.path : `nfs://${folder.server}${folder.path}`;
  const what =
    writeError !== undefined
      ? `${source} could not write a file into ${place}: ${writeError}`
      : `what ${source} wrote into ${place}, ${destination} ${readError === undefined ? "reads otherwise" : `cannot read: ${readError}`}`;
  if (isInGrace(writeError)) {
    return failed(
      "image",
      `${what}. The NFS server answers, but still lets nobody write: see its log (journalctl -u nfs-server -u nfs-ganesha), then run again`,
    );
  }
  return failed(
    "image",
    `${what}. The guest's disk would not be the same one there: see what is mounted on both (findmnt ${folder.path}); ` +
      "`pulumi up --refresh` mounts what is not",
  );
}
