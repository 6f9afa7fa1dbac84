import { describe, expect, test } from "vitest";
import { hasSandbox, runOnSandbox } from "../helpers/host-sandbox.ts";

const uuid = "6c5c1a3e-0d5c-5d0e-9d5f-1f2a3b4c5d6e";
const variables = { POOL: "testbed", EXPORT: "/run/export", SEED: "vm1-seed.iso", UUID: uuid };

/** libvirt's pool is this file; its names are what is in it. */
const virsh = `words=("\${@:4}")
echo "\${words[*]}" >> /run/asked
case "\${words[0]}" in
pool-info) [ -e /run/active ] && state=running || state=inactive; printf 'Name:           testbed\nState:          %s\nPersistent:     yes\n' "$state" ;;
pool-start) if [ -e /run/broken ]; then echo "error: no such folder" >&2; exit 1; fi
  touch /run/active; [ ! -e /run/late ] || { echo "error: pool is already active" >&2; exit 1; } ;;
pool-refresh) [ -e /run/active ] ;;
vol-delete) [ -e /run/active ] && [ "\${words[2]}" = testbed ] && rm "/run/export/\${words[1]}" ;;
*) exit 1 ;;
esac`;

const make = (before: string, changed: Partial<typeof variables> = {}) =>
  runOnSandbox(
    "pool-ready",
    { ...variables, ...changed },
    {
      before: `mkdir /run/export; ${before}`,
      after: "ls /run/export; [ ! -e /run/active ] || echo active",
      programs: { virsh },
    },
  );

const seed = (of: string) =>
  `printf 'CD001\\0meta-data: {instance-id: ${of}}\\0' > /run/export/vm1-seed.iso;`;

describe.runIf(hasSandbox("python3"))("before a volume is put into a pool", () => {
  test("a pool that is not active is started", () => {
    expect(make(":")).toMatchObject({ status: 0, stdout: "active\n", stderr: "" });
    expect(make("touch /run/active").stdout).toBe("active\n");
  });

  test("another volume's start of it at the same moment is as good", () => {
    expect(make("touch /run/late")).toMatchObject({ status: 0, stdout: "active\n" });
  });

  test("a pool that cannot be started is named, with its host and what to do", () => {
    const { status, stderr } = make("touch /run/broken");
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /no such folder\n.*pool testbed on \/run\/export is not active.*virsh pool-start testbed/,
    );
  });

  test("a seed of the guest that nobody knows of makes room for the new one", () => {
    const { status, stdout, stderr } = make(`touch /run/export/vm1.qcow2; ${seed(uuid)}`);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "vm1.qcow2\nactive\n" });
    expect(stderr).toContain("made anew");
  });

  test("a file of its name that is no seed of the guest stays, and is named", () => {
    for (const other of [
      seed("00000000-0000-5000-8000-000000000000"),
      "echo mine > /run/export/vm1-seed.iso;",
    ]) {
      const { status, stderr } = make(`touch /run/active; ${other}`);
      expect(status).not.toBe(0);
      expect(stderr).toContain("/run/export/vm1-seed.iso is there already");
    }
  });

  test("disks that are there stay", () => {
    const disk = `touch /run/export/vm1.qcow2; ${seed(uuid)}`;
    expect(make(disk, { SEED: "", UUID: "" }).stdout).toBe("vm1-seed.iso\nvm1.qcow2\nactive\n");
  });
});
