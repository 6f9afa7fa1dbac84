import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Sshd, startSshd } from "./offline-sshd.ts";

// How a host is reached, with OpenSSH's own server and client, and a ~/.ssh/config of the tests' own.

let server: Sshd;
beforeAll(async () => {
  server = await startSshd();
});
afterAll(() => server.stop());

let home: string;
let known: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "reach-"));
  known = join(home, ".ssh", "known_hosts");
  mkdirSync(join(home, ".ssh"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** @param config lines of ~/.ssh/config */
async function reach(sshd: Sshd, config: readonly string[], env: Record<string, string> = {}) {
  // OpenSSH goes by the home folder in /etc/passwd, which is not ours.
  writeFileSync(join(home, "config"), ["Host *", ...config, ""].join("\n"));
  const { stdout: ssh } = await execa("which", ["ssh"]);
  writeFileSync(join(home, "ssh"), `#!/bin/sh\nexec ${ssh} -F ${home}/config "$@"\n`);
  chmodSync(join(home, "ssh"), 0o755);
  writeFileSync(join(home, "key"), sshd.privateKey, { mode: 0o600 });
  return execa("bash", [join(import.meta.dirname, "../../hosts/reach.sh")], {
    env: {
      PATH: `${home}:${process.env.PATH}`,
      HOME: home,
      HOST_NAME: "host1",
      HOST_ADDRESS: "127.0.0.1",
      HOST_PORT: String(sshd.port),
      HOST_USER: "root",
      HOST_KEY_FILE: join(home, "key"),
      KNOWN_HOSTS_FILE: "",
      KNOWN_HOSTS: "strict",
      HOST_KEY: "",
      // This machine is no host.
      SCRIPT_FOLDER: join(home, "scripts"),
      ...env,
    },
    reject: false,
  });
}

const name = ({ port }: Sshd) => `[127.0.0.1]:${port}`;
const keyOf = ({ hostKey }: Sshd) => hostKey.split(" ").slice(0, 2).join(" ");

describe("sshd's forwarding", () => {
  const trusting = (sshd: Sshd) => {
    writeFileSync(known, `${name(sshd)} ${keyOf(sshd)}\n`);
    return reach(sshd, [`UserKnownHostsFile ${known}`]);
  };

  test.each([
    "AllowStreamLocalForwarding no",
    "AllowStreamLocalForwarding remote",
    "AllowTcpForwarding no",
    "DisableForwarding yes",
  ])("that does not lead to libvirt's socket is named: %s", async (setting) => {
    const hardened = await startSshd([setting]);
    try {
      const { exitCode, stderr } = await trusting(hardened);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(
        /^host host1 .*AllowStreamLocalForwarding and AllowTcpForwarding to yes .*DisableForwarding to no for root.*reload sshd$/,
      );
    } finally {
      await hardened.stop();
    }
  });

  test.each(["AllowStreamLocalForwarding local", "AllowTcpForwarding local", "MaxSessions 1"])(
    "that leads there is enough: %s",
    async (setting) => {
      const sshd = await startSshd([setting]);
      try {
        expect(await trusting(sshd)).toMatchObject({ exitCode: 0, stderr: "" });
      } finally {
        await sshd.stop();
      }
    },
  );

  test("is looked at without a change on the host, where nobody asks for more", async () => {
    writeFileSync(known, `${name(server)} ${keyOf(server)}\n`);
    const scripts = join(home, "scripts");
    rmSync(scripts, { recursive: true, force: true });
    const looked = await reach(server, [`UserKnownHostsFile ${known}`], { SCRIPT_FOLDER: "none" });
    expect(looked).toMatchObject({ exitCode: 0, stdout: `${keyOf(server)}\n${server.port}` });
    expect(existsSync(scripts)).toBe(false);
    await trusting(server);
    expect(existsSync(scripts)).toBe(true);
  });

  test("leaves nothing behind on the host, and nothing running", async () => {
    // Others look at hosts at the same time, and have folders and connections of their own.
    const { stdout: mktemp } = await execa("which", ["mktemp"]);
    writeFileSync(join(home, "mktemp"), `#!/bin/sh\n${mktemp} "$@" | tee -a ${home}/made\n`, { mode: 0o755 });
    expect((await trusting(server)).stdout).toBe(`${keyOf(server)}\n${server.port}`);
    const made = readFileSync(join(home, "made"), "utf8").split("\n").filter(Boolean);
    expect(made).not.toEqual([]);
    expect(made.filter((path) => existsSync(path))).toEqual([]);
    const { stdout: running } = await execa("pgrep", ["-af", `${home}/[c]onfig`], { reject: false });
    expect(running).toBe("");
  });
});

describe("a host key that OpenSSH trusts", () => {
  const elsewhere = (as: string) => {
    writeFileSync(join(home, "other"), `${as} ${keyOf(server)}\n`);
    writeFileSync(known, "");
  };

  /** What OpenSSH is told, and under what name the key lies in the other file. */
  const ways: [string, (settings: { other: string }) => string[], () => string][] = [
    ["by an alias", ({ other }) => ["HostKeyAlias lab1", `UserKnownHostsFile ${other}`], () => "lab1"],
    [
      "of all users",
      ({ other }) => [`GlobalKnownHostsFile ${other}`, `UserKnownHostsFile ${known}`],
      () => name(server),
    ],
    [
      "by a command",
      ({ other }) => [
        `KnownHostsCommand /bin/cat ${other}`,
        `UserKnownHostsFile ${known}`,
        "GlobalKnownHostsFile /dev/null",
      ],
      () => name(server),
    ],
  ];

  test.each(ways)(
    "%s is told apart from what libvirt's provider trusts, with the line that helps",
    async (_, settings, as) => {
      elsewhere(as());
      const config = settings({ other: join(home, "other") });
      const { exitCode, stderr } = await reach(server, config);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("OpenSSH trusts its host key, and libvirt's provider");
      const [, helps = ""] = /Add it there: (echo '.*' >> '.*')\. Or/.exec(stderr) ?? [];
      await execa("bash", ["-c", helps]);
      const after = await reach(server, config);
      expect(after).toMatchObject({ exitCode: 0, stderr: "" });
      expect(after.stdout).toBe(`${keyOf(server)}\n${server.port}`);
    },
  );

  test("of another kind than libvirt's provider asks for is told apart, unless ~/.ssh/config says the kinds", async () => {
    await execa("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", join(home, "ecdsa")]);
    const two = await startSshd([`HostKey ${home}/ecdsa`]);
    try {
      const [kind, key] = readFileSync(join(home, "ecdsa.pub"), "utf8").split(" ");
      writeFileSync(known, `${name(two)} ${kind} ${key}\n`);
      const config = [`UserKnownHostsFile ${known}`];
      expect((await reach(two, config)).stderr).toContain(
        `Compare it with host1's own in /etc/ssh, and add it there: echo '${name(two)} ${keyOf(two)}' >>`,
      );
      writeFileSync(join(home, ".ssh", "config"), `HostKeyAlgorithms ${kind}\n`);
      expect(await reach(two, config)).toMatchObject({ exitCode: 0, stderr: "" });
    } finally {
      await two.stop();
    }
  });

  test("by an alias is taken down for all clients when hosts are accepted", async () => {
    const env = { KNOWN_HOSTS: "accept-new", KNOWN_HOSTS_FILE: known };
    for (const before of ["", `lab1 ${keyOf(server)}\n`]) {
      writeFileSync(known, before);
      expect(await reach(server, ["HostKeyAlias lab1"], env)).toMatchObject({ exitCode: 0, stderr: "" });
      expect(readFileSync(known, "utf8")).toBe(`lab1,${name(server)} ${keyOf(server)}\n`);
    }
  });
});

describe("a host key that OpenSSH does not trust", () => {
  test("is not in the files", async () => {
    writeFileSync(known, "");
    const { exitCode, stderr } = await reach(server, [`UserKnownHostsFile ${known}`]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /its host key is not in .*, and OpenSSH does not trust it either\. Log in once by hand/,
    );
  });

  test("is another one than in the files", async () => {
    writeFileSync(
      known,
      `${name(server)} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n`,
    );
    const { stderr } = await reach(server, [`UserKnownHostsFile ${known}`]);
    expect(stderr).toMatch(/has another host key than the one in .*ssh-keygen -R/);
  });

  test("is not taken because StrictHostKeyChecking is off in ~/.ssh/config", async () => {
    writeFileSync(known, "");
    const { exitCode } = await reach(server, [`UserKnownHostsFile ${known}`, "StrictHostKeyChecking no"]);
    expect(exitCode).toBe(1);
    expect(readFileSync(known, "utf8")).toBe("");
  });
});

describe("a jump host", () => {
  const over = async (settings: readonly string[], env: Record<string, string> = {}) => {
    const gate = await startSshd(settings);
    try {
      writeFileSync(join(home, "gate-key"), gate.privateKey, { mode: 0o600 });
      writeFileSync(known, `${name(gate)} ${keyOf(gate)}\n${name(server)} ${keyOf(server)}\n`);
      const config = [
        // A person's own habits.
        "RemoteCommand tmux",
        "RequestTTY yes",
        "LocalForward 127.0.0.1:22346 127.0.0.1:22",
        `UserKnownHostsFile ${known}`,
        "HostName 127.0.0.1",
        "Host gate",
        `Port ${gate.port}`,
        `IdentityFile ${home}/gate-key`,
        "Host target",
        "ProxyJump gate",
      ];
      return await reach(server, config, { HOST_ADDRESS: "target", ...env });
    } finally {
      await gate.stop();
    }
  };

  test.each([
    ["forwards no TCP", "AllowTcpForwarding no"],
    ["leads elsewhere alone", "PermitOpen 127.0.0.1:1"],
  ])("that %s is named: %s", async (_, setting) => {
    expect((await over([setting])).stderr).toMatch(
      /the jump host gate does not lead on to it: its sshd must have AllowTcpForwarding yes/,
    );
  });

  test.each([
    "AllowStreamLocalForwarding no",
    "ForceCommand echo This account is currently not available.",
    "ForceCommand sleep 1000",
    "PermitTTY no",
    "MaxSessions 0",
  ])("need forward TCP alone: %s", async (setting) => {
    const { stdout, stderr } = await over([setting]);
    expect(stderr).toBe("");
    expect(stdout).toBe(`${keyOf(server)}\n${server.port}`);
  });

  test("leads to a host whose key is taken down at the first contact", async () => {
    const file = join(home, "accepted");
    const env = { KNOWN_HOSTS: "accept-new", KNOWN_HOSTS_FILE: file };
    expect(await over(["ForceCommand echo This account is currently not available."], env)).toMatchObject({
      exitCode: 0,
      stderr: "",
    });
    const lines = readFileSync(file, "utf8").trim().split("\n");
    expect(lines).toContain(`${name(server)} ${keyOf(server)}`);
    // libvirt's provider has no other file to look for the jump host in.
    expect(lines).toContainEqual(expect.stringMatching(/^\[127\.0\.0\.1\]:\d+ ssh-ed25519 /));
    expect(lines).toHaveLength(2);
    const again = await over([], { ...env, HOST_KEY: "" });
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
  });

  test("that lets us not in is named", async () => {
    expect((await over(["AuthorizedKeysFile none", "AllowUsers nobody"])).stderr).toMatch(
      /does not answer by way of the jump host gate within 30 s \(.*Permission denied.*does the jump host let you in \(ssh gate\)/,
    );
  });
});
