import type { SshSession } from "../ssh/session.ts";
import { virshCommand } from "./virsh.ts";

/** What runs on a host. */
export interface HostVersions {
  qemu: string;
  libvirt: string;
  kernel: string;
}

/** What runs on a host now, asked of its libvirtd and its kernel. */
export async function hostVersions(session: SshSession): Promise<HostVersions> {
  const { stdout } = await session.run(
    "asking for versions",
    `${virshCommand(["version", "--daemon"])} && uname -r`,
  );
  return parseVersions(stdout);
}

/** Reads what `virsh version --daemon` and, on the last line, `uname -r` print. */
export function parseVersions(printed: string): HostVersions {
  const found = (pattern: RegExp): string => pattern.exec(printed)?.[1] ?? "unknown";
  return {
    qemu: found(/^Running hypervisor: QEMU (\S+)$/m),
    libvirt: found(/^Running against daemon: (\S+)$/m),
    kernel: printed.trim().split("\n").at(-1) ?? "unknown",
  };
}

/** A version that is not known is not old. */
export function isOlder(version: string, than: string): boolean {
  const parts = (text: string) => text.split(".").map((part) => Number.parseInt(part, 10));
  const [found, wanted] = [parts(version), parts(than)];
  if (found.some(Number.isNaN)) return false;
  for (const [index, part] of wanted.entries()) {
    const difference = (found[index] ?? 0) - part;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
