import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

// The script itself, with an ssh that answers as a guest would.

const script = fileURLToPath(new URL("../../../guests/ready.sh", import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ready-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/**
 * Waits for a guest.
 *
 * @param looks what it answers, look by look, when it is asked about its workload; the last one for good
 */
async function wait(looks: string[], env: Record<string, string>) {
  writeFileSync(join(folder, "looks"), looks.map((look) => `${look}\n`).join(""));
  const ssh = `#!/bin/bash
case "\${!#}" in
  hostname) echo vm1 ;;
  *progress.jsonl*)
    head -n 1 "${folder}/looks"
    [ "$(wc -l <"${folder}/looks")" -le 1 ] || sed -i 1d "${folder}/looks" ;;
  *) exit 255 ;;
esac
`;
  writeFileSync(join(folder, "ssh"), ssh, { mode: 0o755 });
  writeFileSync(join(folder, "sleep"), "#!/bin/sh\nexec /bin/sleep 0.2\n", { mode: 0o755 });
  return await execa("bash", [script], {
    env: {
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      GUEST: "vm1",
      GUEST_ADDRESS: "192.0.2.101",
      GUEST_USER: "debian",
      KEY_FILE: "key",
      JUMP: "root@192.0.2.10:22",
      JUMP_KEY_FILE: "",
      JUMP_KNOWN_HOSTS: "",
      ...env,
    },
    reject: false,
  });
}

test("a guest without a workload is ready when it can be logged in to", async () => {
  expect(await wait(["it is not asked"], {})).toMatchObject({ exitCode: 0, stdout: "vm1" });
});

test("a guest with a workload is ready when that is at work, whatever kept it from that before", async () => {
  const looks = ["no route to the archive", "", "at work"];
  expect(await wait(looks, { WORKLOAD: "mysql" })).toMatchObject({ exitCode: 0, stdout: "vm1" });
});

test("what keeps a workload from its work for long is told, and ends the wait", async () => {
  const { exitCode, stderr } = await wait(["no route to the archive"], {
    WORKLOAD: "mysql",
    PROBLEM_TIMEOUT_S: "1",
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("vm1 does not get to work on its workload, mysql: no route to the archive");
  expect(stderr).toContain("journalctl -u testbed-workload");
});

test("a workload that says nothing is waited for no longer than it may take", async () => {
  const { exitCode, stderr } = await wait([""], { WORKLOAD: "office", WORKLOAD_TIMEOUT_S: "1" });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("it does not say why");
});
