import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { virsh, virshCommand } from "../../../libvirt/virsh.ts";
import { SshSession } from "../../../ssh/session.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

useLocalSsh();
let session: SshSession;
let folder: string;
const password = "s3cr3t-42";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "virsh-"));
  vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
  session = await SshSession.open({ name: "host1", address: "here", port: 22, user: "root" });
});
afterEach(async () => {
  await session.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test.each([
  ["that hangs in the middle", "exec sleep 5", "no end after 0.5 s"],
  ["that fails in the middle", "exit 1", "exit code 1"],
])("a definition with a password, from a libvirt %s, is in no error", async (_how, end, said) => {
  const prints = `#!/bin/sh\necho "<graphics type='vnc' passwd='${password}'/>"\n${end}\n`;
  await writeFile(join(folder, "virsh"), prints, { mode: 0o755 });
  const args = ["dumpxml", "--inactive", "--security-info", "vm1"];
  const error = await virsh(session, "reading the definition of guest vm1", args, { timeoutMs: 500 }).catch(
    (thrown: unknown) => thrown,
  );
  expect(String(error)).toContain(said);
  expect(JSON.stringify([String(error), error, (error as Error).stack])).not.toContain(password);
});

test("virsh speaks English and to the system's libvirtd, whatever the arguments hold", () => {
  expect(virshCommand(["domstate", "a'b; rm -rf /"])).toBe(
    `LC_ALL=C virsh -q -c qemu:///system 'domstate' 'a'\\''b; rm -rf /'`,
  );
});
