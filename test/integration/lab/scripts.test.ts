import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasSandbox } from "../helpers/host-sandbox.ts";

// What stop.sh takes along with a host, in a state folder of its own.

const root = join(import.meta.dirname, "..", "..", "..");
const state = "/var/lib/kvm-migration-testbed";

interface Lab {
  lab?: string;
  host: string;
  /** Bash that makes the state folder, in it. */
  before: string;
  script?: string;
}

function run({ lab = "v1.2", host, before, script = `bash ${root}/lab/stop.sh` }: Lab) {
  const lines = [
    "set -e",
    `mount -t tmpfs own /var/lib; mkdir -p ${state}; cd ${state}`,
    before,
    `code=0; (cd ${root}; ${script}) || code=$?`,
    `[ ! -d ${state} ] || find ${state} -type f -printf '%P\\n' | sort`,
    "exit $code",
  ];
  const { status, stdout, stderr } = spawnSync("unshare", [...own, "bash", "-c", lines.join("\n")], {
    encoding: "utf8",
    env: {
      ...process.env,
      LAB: lab,
      LAB_HOST: host,
      LAB_BRIDGE: "no-such-bridge",
      LAB_ADDRESS: "10.77.31.11",
    },
  });
  return { status, stderr, files: stdout.trim().split("\n").filter(Boolean) };
}
const own = [...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--mount"];

const make = (...files: string[]) =>
  files.map((file) => `mkdir -p $(dirname ${file}); echo it > ${file}`).join("\n");

/** Process 1 of a host of lab v1-2, as far as its root tells: a file system whose upper layer is that host's. Its id is $pid. */
const container = `
      upper=${state}/v1-2/hosts/host1; mkdir -p $upper/upper $upper/work $upper/root
      mount -t overlay own -o lowerdir=/usr,upperdir=$upper/upper,workdir=$upper/work $upper/root
      mkdir -p $upper/root/old $upper/root/proc
      unshare --mount bash -c "cd $upper/root; pivot_root . old; exec /old/bin/sleep 60" & pid=$!
      until [ "$(cat /proc/$pid/comm)" = sleep ]; do sleep 0.1; done`;

describe.skipIf(!hasSandbox("bash"))("the power of a lab's host", () => {
  test("is asked for without touching it, and is off once it was cut; its disks stay", () => {
    const script = `${container}
      bash lab/power.sh status >&2; kill -0 $pid
      touch ${state}/v1-2/hosts/host1/upper/kept
      bash lab/power.sh cut; bash lab/power.sh status >&2`;
    const { status, stderr, files } = run({ lab: "v1-2", host: "host1", before: make("v1-2/owner"), script });
    expect(stderr.split("\n").filter((line) => /^o(n|ff)$/.test(line))).toEqual(["on", "off"]);
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(files).toContain("v1-2/hosts/host1/upper/kept");
  });

  test("cannot be cut where there is no such host", () => {
    const { status, stderr } = run({
      lab: "v1-2",
      host: "host9",
      before: make("v1-2/owner"),
      script: "bash lab/power.sh cut",
    });
    expect(status).toBe(1);
    expect(stderr).toContain("there is no such host, whose power could be cut");
  });
});

describe.skipIf(!hasSandbox("bash"))("a lab's host that goes", () => {
  test.each(["export", "hosts", "lock", "owner", "place", "upper"])(
    "is called %s and takes itself along alone",
    (host) => {
      const others = ["v1.2/export/vm1.qcow2", "v1.2/hosts/host1/upper/etc/hostname", "v1.2/owner"];
      const before = make(...others, `v1.2/hosts/${host}/upper/etc/hostname`, `v1.2/hosts/${host}/place`);
      const { status, stderr, files } = run({ host, before });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(files).toEqual([...others, "v1.2/lock"].sort());
    },
  );

  test.each(["host1", "export"])("was made by the version before: %s", (host) => {
    const others = ["v1.2/export/vm1.qcow2", "v1.2/owner", "v1.2/storage/place"];
    const before = make(
      ...others,
      ...["place", "alive", "upper/etc/hostname"].map((file) => `v1.2/${host}/${file}`),
    );
    const { status, files } = run({ host, before });
    expect(status).toBe(0);
    expect(files).toEqual([...others, "v1.2/lock"].sort());
  });

  test.each(["hosts/", ""])("takes the lab along when it is the last one (%s)", (folder) => {
    const before = make(`v1.2/${folder}host1/place`, "v1.2/owner", "v1.2/export/vm1.qcow2");
    expect(run({ host: "host1", before })).toMatchObject({ status: 0, files: [] });
  });

  test.each(["disks", "moving"])("touches nothing of a folder that is no lab's: %s", (lab) => {
    const { status, stderr, files } = run({ lab, host: "host1", before: make(`${lab}/vm1.qcow2`) });
    expect(status).toBe(1);
    expect(stderr).toContain(`${state}/${lab} is there already and is no lab's`);
    expect(files).toEqual([`${lab}/vm1.qcow2`]);
  });

  test.each(["..", ".", "-x", ".hidden"])("has no lab called %s", (lab) => {
    const { status, stderr, files } = run({ lab, host: "host1", before: make("other/owner") });
    expect(status).toBe(1);
    expect(stderr).toContain("begins with a letter or a digit");
    expect(files).toEqual(["other/owner"]);
  });

  test("is found by its own name: a dot in it stands for itself", () => {
    const script = `${container}
      . lab/lib.sh; host_pids >&2; kill $pid`;
    const found = (lab: string) => run({ lab, host: "host1", before: ":", script }).stderr;
    expect(found("v1-2")).toMatch(/^\d+\n$/);
    expect(found("v1.2")).toBe("");
  });
});
