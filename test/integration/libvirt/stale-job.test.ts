import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pastStaleJob } from "../../../libvirt/stale-job.ts";
import { CommandFailed } from "../../../ssh/errors.ts";
import type { SshSession } from "../../../ssh/session.ts";

// What is asked of a host runs in a real shell here; virsh answers as libvirt 9.0 does, by the files of a folder.

const uuid = "6a7d72ed-31e4-5979-bd23-236e0f1ce6a4";
const other = "1b7159b2-c702-5eb0-be68-43576be5849d";
const virsh = `#!/bin/bash
while [ "$1" = -q ] || [ "$1" = -c ]; do [ "$1" = -c ] && shift; shift; done
case "$*" in
  "domname ${uuid}") echo vm1; echo ;;
  "domname ${other}") echo vm2; echo ;;
  "domstate ${uuid}") cat state; echo ;;
  "domstate --reason ${other}") cat other; echo ;;
  "domjobinfo ${other}") cat job; [ "$(cat job)" != "error: Operation not supported: migration statistics are available only on the source host" ] ;;
  "list --uuid") echo ${other} ;;
  version) ;;
  *) echo "virsh $*?" >&2; exit 1 ;;
esac`;

let folder = "";
let session: SshSession;
const told: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stale-"));
  told.length = 0;
  for (const [name, text] of [
    ["virsh", virsh],
    ["systemctl", '#!/bin/bash\necho "$*" >> restarts'],
  ] as const) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
  await say({ state: "shut off", other: "running (booted)", job: "Job type:         None" });
  session = {
    target: { name: "host1" },
    run: (_doing: string, script: string) =>
      execa("bash", ["-c", script], { cwd: folder, env: { PATH: `${folder}:${process.env.PATH}` } }),
  } as unknown as SshSession;
});
afterEach(() => rm(folder, { recursive: true }));

const say = async (answers: Record<string, string>): Promise<void> => {
  for (const [name, text] of Object.entries(answers)) await writeFile(join(folder, name), text);
};
const restarts = () => readFile(join(folder, "restarts"), "utf8").catch(() => "");
const refused = (stderr: string) =>
  new CommandFailed({ doing: "starting guest vm1", host: "host1", exitCode: 1, stdout: "", stderr });
const held = refused(
  "error: Failed to start domain 'vm1'\nerror: Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainMigratePerform3Params)",
);

/** Starts a guest whose libvirt refuses that until its daemon has started anew. */
function start(refusal: Error): Promise<string> {
  return pastStaleJob(
    session,
    uuid,
    (line) => told.push(line),
    async () => {
      if ((await restarts()) === "") throw refusal;
      return "started";
    },
  );
}

describe("a guest that is off and that libvirt takes for one that it still moves", () => {
  test("is started once libvirt's daemon has started anew, which is told", async () => {
    expect(await start(held)).toBe("started");
    expect(await restarts()).toBe("try-restart libvirtd.service virtqemud.service\n");
    expect(told).toEqual([
      "vm1: libvirt on host1 still waits for a migration of guest vm1, which is off there; starting libvirt's daemon anew, which guests do not notice",
    ]);
  });

  test.each<[string, Record<string, string>]>([
    ["leaves", { job: "Job type:         Unbounded\nOperation:        Outgoing migration" }],
    ["comes", { other: "paused (migrating)" }],
    [
      "comes and runs already",
      {
        job: "error: Operation not supported: migration statistics are available only on the source host",
      },
    ],
    ["is saved", { job: "Job type:         Unbounded\nOperation:        Save" }],
  ])("is not, while another guest %s: that would end with the daemon", async (_, answers) => {
    await say(answers);
    await expect(start(held)).rejects.toThrow(
      /still waits for a migration of guest vm1, which is off there.*not started anew, as guest vm2 is moved there\. Wait/,
    );
    expect(await restarts()).toBe("");
    expect(told).toEqual([]);
  });
});

describe("what is refused for another reason", () => {
  test("is said as it is", async () => {
    const full = refused("error: cannot write: No space left on device");
    await expect(start(full)).rejects.toBe(full);
    const booting = refused("cannot acquire state change lock (held by monitor=remoteDispatchDomainCreate)");
    await expect(start(booting)).rejects.toBe(booting);
  });

  test("is said as it is while the guest's migration does go on", async () => {
    await say({ state: "running" });
    await expect(start(held)).rejects.toBe(held);
    expect(await restarts()).toBe("");
  });
});
