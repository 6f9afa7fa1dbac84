import { describe, expect, test } from "vitest";
import { isSaveStale } from "../../../fleet/disk-stamp.ts";
import { refuseOlderDisk } from "../../../fleet/older-disk.ts";
import type { SshSession } from "../../../ssh/session.ts";

const uuid = "1b7159b2-c702-5eb0-be68-43576be5849d";

/** A host that answers what it is asked by what the question contains. */
function host(name: string, answers: Record<string, string>): SshSession {
  const run = async (_doing: string, script: string) => {
    const [, stdout = ""] = Object.entries(answers).find(([asked]) => script.includes(asked)) ?? [];
    return { stdout, stderr: "", exitCode: 0 };
  };
  const readClock = async () => ({ offsetMs: 0, uncertaintyMs: 1 });
  return { target: { name }, run, readClock } as unknown as SshSession;
}

const definition = (disk: string, name = "vm1") =>
  `<domain><name>${name}</name><devices><disk type="file" device="disk"><source file="${disk}"/><target dev="vda"/></disk>` +
  `<disk type="file" device="cdrom"><source file="/e/seed.iso"/><target dev="sda"/><readonly/></disk></devices></domain>`;

describe("a guest that is off", () => {
  const starting = (there: string, elsewhere: string[], over = "") =>
    refuseOlderDisk({
      guest: "vm1",
      uuid,
      host: host("host1", { dumpxml: definition(there) }),
      definedOn: elsewhere.map((disk, i) => host(`host${i + 2}`, { dumpxml: definition(disk) })),
      keeper: host("storage", { "over ": over }),
    });

  test("is started where all definitions of it name the same files", async () => {
    await starting("/e/vm1.qcow2", []);
    await starting("/e/vm1.qcow2", ["/e/vm1.qcow2", "/e/vm1.qcow2"]);
  });

  test("is not where another host defines it with other files: only a person can tell which is right", async () => {
    await expect(starting("/e/vm1.qcow2", ["/e/vm1.qcow2", "/e/vm1.S"])).rejects.toThrow(
      "Guest vm1 is off, and would be started on host1 with /e/vm1.qcow2; on host3 it is defined with /e/vm1.S, " +
        "as after a snapshot that was made by hand or by a backup program. It was not started. " +
        "See which it wrote to last (ls -l --full-time), remove the definition on the other host (virsh undefine vm1, there), and run again.",
    );
  });

  test("is not where a newer image lies over its disk", async () => {
    await expect(starting("/e/vm1.qcow2", [], "over /e/vm1.S\n")).rejects.toThrow(
      "/e/vm1.S on storage lies over that and was written to later",
    );
  });
});

describe("a memory that a person saved", () => {
  const stamps = (saved: Record<string, string>, disk: string) => {
    const storage = host("storage", { "/e/vm1.qcow2": disk });
    const source = host("host1", { dumpxml: definition("/e/vm1.qcow2", "vm1-old"), ...saved });
    return isSaveStale({ guest: "vm1", uuid, storage }, source);
  };
  const [early, late] = ["1 2 1764000000.5", "1 2 1764000100.5"];

  test("is stale when the disk was written to later", async () => {
    expect(await stamps({ "vm1-old.save": early }, late)).toBe(true);
    expect(await stamps({ "vm1-old.save": late }, early)).toBe(false);
  });

  test("is not taken for stale where its file, or the disk, is not found", async () => {
    expect(await stamps({ "vm1.save": early }, "absent")).toBe(false);
    expect(await stamps({ "vm1-old.save": "absent" }, late)).toBe(false);
  });
});
