import * as z from "zod";
import type { SshSession } from "../ssh/session.ts";
import { virsh } from "./virsh.ts";

const answerSchema = z.object({ return: z.object({ "error-desc": z.string().min(1) }) });

/**
 * Why QEMU gave up its last migration, at the source: libvirt may only know that a connection has ended. Undefined: QEMU does not say, or
 * is no more.
 */
export async function migrationError(session: SshSession, uuid: string): Promise<string | undefined> {
  const { stdout } = await virsh(
    session,
    "asking QEMU why the migration failed",
    ["qemu-monitor-command", uuid, '{"execute":"query-migrate"}'],
    { allowFailure: true },
  );
  return readMigrationError(stdout);
}

/** Reads QEMU's answer to `query-migrate`: https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html */
export function readMigrationError(printed: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(printed);
  } catch {
    return undefined;
  }
  return answerSchema.safeParse(answer).data?.return["error-desc"];
}
