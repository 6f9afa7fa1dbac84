import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readTrace, startTrace } from "../../../libvirt/qemu-trace.ts";
import type { SshSession } from "../../../ssh/session.ts";

// The scripts that read QEMU's log, in a real shell, on a log that is renamed like virtlogd's.

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "qemu-log-"));
  log = join(folder, "vm1.log");
  writeFileSync(log, line(1, "an earlier move's"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const line = (seconds: number, text: string) =>
  `4711@17638420${seconds}.000001:migrate_transferred ${text}\n`;
const write = (seconds: number, text: string) => appendFileSync(log, line(seconds, text));
const session = {
  run: async (_doing: string, script: string) => {
    const { stdout } = await execa("bash", ["-c", script.replaceAll("/var/log/libvirt/qemu", folder)]);
    return { stdout, stderr: "", exitCode: 0 };
  },
} as unknown as SshSession;

/** As virtlogd does with a log that has grown too large. */
function rotate(backups: number): void {
  rmSync(`${log}.${backups - 1}`, { force: true });
  for (let i = backups - 2; i >= 0; i--) {
    try {
      renameSync(`${log}.${i}`, `${log}.${i + 1}`);
    } catch {}
  }
  renameSync(log, `${log}.0`);
  writeFileSync(log, "");
}

const read = async (from: Awaited<ReturnType<typeof startTrace>>) =>
  (await readTrace(session, "vm1", from)).map(({ text }) => text);

test("what was traced since the beginning is read, and nothing from before", async () => {
  const begun = await startTrace(session, "vm1", "uuid");
  write(10, "a");
  expect(await read(begun)).toEqual(["a"]);
});

test("also out of logs that have been renamed meanwhile, in their order", async () => {
  rotate(3);
  write(10, "still an earlier one's");
  const begun = await startTrace(session, "vm1", "uuid");
  write(11, "a");
  rotate(3);
  write(12, "b");
  rotate(3);
  write(13, "c");
  expect(await read(begun)).toEqual(["a", "b", "c"]);
});

test("when the first of them is gone, what is left is read", async () => {
  const begun = await startTrace(session, "vm1", "uuid");
  for (const [i, text] of ["a", "b", "c", "d"].entries()) {
    write(10 + i, text);
    rotate(2);
  }
  write(20, "e");
  expect(await read(begun)).toEqual(["c", "d", "e"]);
});
