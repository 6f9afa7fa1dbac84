import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

// Hosts whose systems are told by the texts that these have in /etc/os-release; what they are asked is this machine's shell.

const root = join(import.meta.dirname, "../../..");

const debian13 = `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION="13 (trixie)"
VERSION_CODENAME=trixie
DEBIAN_VERSION_FULL=13.3
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"`;
const ubuntu2404 = `PRETTY_NAME="Ubuntu 24.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.3 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
UBUNTU_CODENAME=noble
LOGO=ubuntu-logo`;
const forky = `PRETTY_NAME="Debian GNU/Linux forky/sid"
NAME="Debian GNU/Linux"
VERSION_CODENAME=forky
ID=debian`;
const mint = `NAME="Linux Mint"
VERSION="22.2 (Zara)"
ID=linuxmint
ID_LIKE="ubuntu debian"
PRETTY_NAME="Linux Mint 22.2"
VERSION_ID="22.2"`;
const rocky = `NAME="Rocky Linux"
VERSION="9.6 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.6"
PLATFORM_ID="platform:el9"
PRETTY_NAME="Rocky Linux 9.6 (Blue Onyx)"
ANSI_COLOR="0;32"
CPE_NAME="cpe:/o:rocky:rocky:9::baseos"
ROCKY_SUPPORT_PRODUCT="Rocky-Linux-9"`;
const rhel = `NAME="Red Hat Enterprise Linux"
VERSION="10.0 (Coughlan)"
ID="rhel"
ID_LIKE="centos fedora"
VERSION_ID="10.0"
PLATFORM_ID="platform:el10"
PRETTY_NAME="Red Hat Enterprise Linux 10.0 (Coughlan)"`;
const fedora = `NAME="Fedora Linux"
VERSION="42 (Server Edition)"
RELEASE_TYPE=stable
ID=fedora
VERSION_ID=42
VERSION_CODENAME=""
PRETTY_NAME="Fedora Linux 42 (Server Edition)"
VARIANT_ID=server`;
const leap = `NAME="openSUSE Leap"
VERSION="15.6"
ID="opensuse-leap"
ID_LIKE="suse opensuse"
VERSION_ID="15.6"
PRETTY_NAME="openSUSE Leap 15.6"`;
const sles = `NAME="SLES"
VERSION="15-SP6"
VERSION_ID="15.6"
PRETTY_NAME="SUSE Linux Enterprise Server 15 SP6"
ID="sles"
ID_LIKE="suse"`;
const arch = `NAME="Arch Linux"
PRETTY_NAME="Arch Linux"
ID=arch
BUILD_ID=rolling
ANSI_COLOR="38;2;23;147;209"`;
const alpine = `NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.22.1
PRETTY_NAME="Alpine Linux v3.22"`;

const ask = (text: string, mark = "") =>
  spawnSync("bash", ["-c", '. hosts/system-problem.sh; system_problem "$@"', "bash", text, mark], {
    cwd: root,
    encoding: "utf8",
  });

test.each([
  ["Debian 13", debian13],
  ["Ubuntu 24.04", ubuntu2404],
])("%s is known, and nothing is said of it", (_, text) => {
  expect(ask(text)).toMatchObject({ status: 0, stdout: "", stderr: "" });
});

test.each([
  ["Debian GNU/Linux forky/sid", forky],
  ["Linux Mint 22.2", mint],
])("%s is prepared as its family is, and said to be another", (name, text) => {
  const { stdout, stderr } = ask(text);
  expect(stdout).toBe("");
  expect(stderr).toMatch(
    new RegExp(
      `^runs ${name}, for which this project was not written; it is prepared as these are: debian 12,`,
    ),
  );
});

test.each([
  [
    "Rocky Linux 9.6 (Blue Onyx)",
    rocky,
    "rhel",
    /dnf.*qemu-kvm.*virtqemud.*SELinux.*firewalld.*NetworkManager/,
  ],
  ["Red Hat Enterprise Linux 10.0 (Coughlan)", rhel, "rhel", /dnf/],
  ["Fedora Linux 42 (Server Edition)", fedora, "rhel", /dnf/],
  ["openSUSE Leap 15.6", leap, "suse", /zypper.*wicked/],
  ["SUSE Linux Enterprise Server 15 SP6", sles, "suse", /zypper/],
  ["Arch Linux", arch, "arch", /pacman/],
  ["Alpine Linux v3.22", alpine, "alpine", /its packages, services, programs/],
])("%s is refused by name, with what would have to be written", (name, text, file, what) => {
  const { stdout } = ask(text);
  expect(stdout).toMatch(/^runs (.*), which this project does not know how to prepare: it knows debian 12, /);
  expect(stdout).toContain(`runs ${name},`);
  expect(stdout).toContain(`hosts/scripts/system-${file}.sh`);
  expect(stdout).toMatch(what);
});

test("Proxmox VE, whose os-release is Debian's, is told by its own program and refused", () => {
  expect(ask(debian13, "proxmox-ve").stdout).toMatch(
    /^runs Proxmox VE, which has a QEMU of its own .* take a machine without Proxmox VE$/m,
  );
});

test("a system that does not say what it is is refused; what it says is not run", () => {
  expect(ask("").stdout).toMatch(/^runs a system without an \/etc\/os-release, which/);
  expect(ask('ID=debian\nPRETTY_NAME="$(echo run >&2)"\nVERSION_ID=`echo run >&2`').stderr).toBe(
    "runs $(echo run >&2), for which this project was not written; it is prepared as these are: debian 12, debian 13, ubuntu 22.04, ubuntu 24.04\n",
  );
});

// reach.sh, with an ssh that answers as a host of some system would: what is sent there lands in a folder.
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "system-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function reach(text: string, hasProxmox = false) {
  const tool = (name: string, body: string) => {
    writeFileSync(join(folder, name), `#!/bin/bash\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  writeFileSync(join(folder, "os-release"), `${text}\n`);
  if (hasProxmox) writeFileSync(join(folder, "pveversion"), "");
  tool("ssh-keyscan", 'echo "192.0.2.1 ssh-ed25519 KEY"');
  // The question itself is run, with that system's files in the place of this machine's.
  tool(
    "ssh",
    `case "$*" in
-G*) echo "hostname 192.0.2.1" ;;
*tar*) cat > "${folder}/touched" ;;
*) question=\${@: -1}; question=\${question//'/etc/os-release'/${folder}/os-release}; question=\${question//'/usr/bin/pveversion'/${folder}/pveversion}
   SSH_CONNECTION="a 1 b 22" bash -c "\${question%%exec 2>*}'" ;;
esac`,
  );
  const { status, stderr } = spawnSync("bash", [join(root, "hosts/reach.sh")], {
    encoding: "utf8",
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      HOME: folder,
      HOST_NAME: "host1",
      HOST_ADDRESS: "192.0.2.1",
      HOST_PORT: "22",
      HOST_USER: execFileSync("id", ["-un"], { encoding: "utf8" }).trim(),
      HOST_KEY_FILE: "",
      KNOWN_HOSTS_FILE: join(folder, "known_hosts"),
      KNOWN_HOSTS: "accept-new",
      HOST_KEY: "",
      SSH_AUTH_SOCK: "",
    },
  });
  return { status, stderr, isTouched: existsSync(join(folder, "touched")) };
}

test("a host that is reached gets the scripts if its system is known, and nothing if not", () => {
  expect(reach(debian13)).toEqual({ status: 0, stderr: "", isTouched: true });
  rmSync(join(folder, "touched"));
  const refused = reach(rocky);
  expect(refused).toMatchObject({ status: 1, isTouched: false });
  expect(refused.stderr).toMatch(
    /^host host1 \(.*@192\.0\.2\.1 port 22\): runs Rocky Linux 9\.6 \(Blue Onyx\), which/,
  );
  const proxmox = reach(debian13, true);
  expect(proxmox).toMatchObject({ status: 1, isTouched: false });
  expect(proxmox.stderr).toContain("runs Proxmox VE");
});
