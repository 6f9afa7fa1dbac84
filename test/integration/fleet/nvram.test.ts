import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";
import { nvramProgram } from "../../../fleet/nvram.ts";

// The scripts, by bash, on files of this machine.

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nvram-"));
});
afterEach(() => rm(folder, { recursive: true }));

const bash = (call: string, input = "") =>
  execa("bash", ["-c", `${nvramProgram}\n${call}`], { cwd: folder, input, reject: false });
const template = Buffer.alloc(540_672, 0xff);

it("carries a new guest's variables as they are, in little, and keeps those that are there", async () => {
  await writeFile(join(folder, "template"), template);
  const { stdout } = await bash("empty_variables template");
  expect(stdout.length).toBeLessThan(2000);
  expect(await bash("make_variables vm1.fd", stdout)).toMatchObject({ exitCode: 0, stderr: "" });
  expect((await readFile(join(folder, "vm1.fd"))).equals(template)).toBe(true);
  await writeFile(join(folder, "vm1.fd"), "the guest's own");
  expect(await bash("make_variables vm1.fd", stdout)).toMatchObject({ exitCode: 0 });
  expect(await readFile(join(folder, "vm1.fd"), "utf8")).toBe("the guest's own");
});

it("goes on from what a run that died has left, and follows no link to another file", async () => {
  const { stdout: input } = await execa("bash", ["-c", "printf whole | gzip -nc | base64 -w 0"]);
  await writeFile(join(folder, "other"), "another's");
  await symlink(join(folder, "other"), join(folder, "vm1.fd.part"));
  expect(await bash("make_variables vm1.fd", input)).toMatchObject({ exitCode: 0 });
  expect(await readFile(join(folder, "other"), "utf8")).toBe("another's");
  expect(await readFile(join(folder, "vm1.fd"), "utf8")).toBe("whole");
});

it("says what is missing, and makes nothing of what was cut short", async () => {
  expect(await bash("empty_variables nothing")).toMatchObject({ exitCode: 1, stderr: "nothing is missing" });
  const { exitCode } = await bash("make_variables vm1.fd", "H4sIAAAAAAAAA2NgGAWj");
  expect(exitCode).not.toBe(0);
  await expect(readFile(join(folder, "vm1.fd"))).rejects.toThrow("ENOENT");
});
