import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { hasSandbox } from "../helpers/host-sandbox.ts";

// What a lab's hosts are made with: a base for each release, which a host keeps.

const root = join(import.meta.dirname, "..", "..", "..");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lab-release-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** base.sh with an mmdebstrap that only notes what it is to make. */
function base(release?: string) {
  const program = join(folder, "mmdebstrap");
  writeFileSync(
    program,
    `#!/bin/bash\necho "$@" >> ${folder}/built\nmkdir -p "\${@: -2:1}"\ncat "\${@: -1}" >> ${folder}/built\n`,
  );
  chmodSync(program, 0o755);
  const { status, stdout, stderr } = spawnSync("bash", ["lab/base.sh"], {
    cwd: root,
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: `${folder}:${process.env.PATH}`,
      TESTBED_CACHE: join(folder, "cache"),
      TESTBED_DEBIAN_MIRROR: "http://mirror.example",
      ...(release && { LAB_RELEASE: release }),
    },
  });
  const built = join(folder, "built");
  const asked = existsSync(built) ? spawnSync("cat", [built], { encoding: "utf8" }).stdout : "";
  rmSync(built, { force: true });
  return { status, path: stdout.trim(), stderr, asked };
}

describe.runIf(existsSync("/usr/share/keyrings/debian-archive-keyring.gpg"))("a lab's base", () => {
  test("is made once for each release, from that release's archive", () => {
    const [twelve, thirteen] = [base(), base("debian-13")];
    expect(twelve.path).toMatch(/lab-base-debian-12-[0-9a-f]{12}$/);
    expect(thirteen.path).toMatch(/lab-base-debian-13-[0-9a-f]{12}$/);
    expect(twelve.asked).toMatch(/ bookworm \/.*http:\/\/mirror\.example\/debian\/ bookworm main/s);
    expect(thirteen.asked).toMatch(
      / trixie \/.*http:\/\/mirror\.example\/debian-security\/ trixie-security main/s,
    );
    expect(base()).toMatchObject({ path: twelve.path, asked: "" });
    expect(base("debian-12").path).toBe(twelve.path);
    expect(base("debian-13")).toMatchObject({ path: thirteen.path, asked: "" });
    expect(readdirSync(join(folder, "cache"))).toHaveLength(3);
  });

  test("takes QEMU from the backports in Debian 12 alone, and what hosts need in both", () => {
    const [twelve, thirteen] = [base("debian-12").asked, base("debian-13").asked];
    expect(twelve).toMatch(/preferences\.d.*bookworm-backports main/s);
    expect(thirteen).not.toMatch(/preferences\.d|backports/);
    for (const asked of [twelve, thirteen])
      for (const name of ["qemu-system-x86", "libvirt-daemon-system", "python3", "nfs-ganesha-vfs"])
        expect(asked).toContain(`,${name},`);
  });

  test("of another release is refused", () => {
    const { status, stderr, asked } = base("debian-11");
    expect({ status, asked }).toEqual({ status: 1, asked: "" });
    expect(stderr).toBe("lab base: there is none for debian-11: LAB_RELEASE is debian-12 or debian-13\n");
  });
});

describe.runIf(hasSandbox("ip"))("a lab's host", () => {
  /** start.sh for a host that is there, made with a release or before there was a choice. */
  function start(made: string | undefined, release?: string) {
    const lines = [
      "set -e",
      "mount -t tmpfs own /var/lib; mkdir -p /var/lib/kvm-migration-testbed/l/hosts/host1",
      `cd /var/lib/kvm-migration-testbed/l; echo ${root} > owner; echo /none > hosts/host1/base`,
      ...(made ? [`echo ${made} > hosts/host1/release`] : []),
      // Whoever comes further than the refusals stops here.
      `cd ${root}; ip() { case "$*" in *add*) echo "comes further" >&2; exit 7 ;; *) command ip "$@" ;; esac; }; export -f ip`,
      "bash lab/start.sh",
    ];
    return spawnSync("unshare", [...unshare, "bash", "-c", lines.join("\n")], {
      encoding: "utf8",
      env: {
        ...process.env,
        LAB: "l",
        LAB_HOST: "host1",
        LAB_BRIDGE: "lab-none",
        LAB_NETWORK: "10.77.31.0/24",
        LAB_PREFIX: "24",
        LAB_GATEWAY: "10.77.31.1",
        LAB_ADDRESS: "10.77.31.11",
        LAB_AUTHORIZED_KEY: "ssh-ed25519 KEY",
        LAB_KNOWN_HOSTS: join(folder, "known_hosts"),
        TESTBED_CACHE: folder,
        ...(release && { LAB_RELEASE: release }),
      },
    });
  }
  const unshare = [...(process.getuid?.() === 0 ? [] : ["--map-root-user"]), "--net", "--mount"];

  test("says what it was made with; one from before there was a choice, in either layout, has Debian 12; one that is not there, nothing", () => {
    const lines = [
      "mount -t tmpfs own /var/lib; mkdir -p /var/lib/kvm-migration-testbed/l/hosts/{young,old,begun} /var/lib/kvm-migration-testbed/l/former",
      "cd /var/lib/kvm-migration-testbed/l; touch hosts/{young,old}/base former/base; echo debian-13 > hosts/young/release",
      `cd ${root}; exec ${process.execPath} --input-type=module -e '
        const { releaseOf } = await import("${root}/lab/release.ts");
        console.log(["young", "old", "former", "begun", "none"].map((host) => releaseOf("l", host)).join());'`,
    ];
    const { stdout, stderr } = spawnSync("unshare", [...unshare, "bash", "-ec", lines.join("\n")], {
      encoding: "utf8",
    });
    expect({ stdout, stderr }).toEqual({ stdout: "debian-13,debian-12,debian-12,,\n", stderr: "" });
  });

  test.each([
    ["debian-12", "debian-13"],
    ["debian-13", undefined],
    [undefined, "debian-13"],
  ])("that was made with %s is not started with %s", (made, release) => {
    const { status, stderr } = start(made, release);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      new RegExp(
        `it was made with ${made ?? "debian-12"}, which it keeps; the stack's config now says ${release ?? "debian-12"}\\..*drain the host`,
      ),
    );
  });

  test.each([
    ["debian-13", "debian-13"],
    ["debian-12", undefined],
    [undefined, undefined],
  ])("that was made with %s is started with %s", (made, release) => {
    expect(start(made, release)).toMatchObject({ status: 7, stderr: "comes further\n" });
  });
});
