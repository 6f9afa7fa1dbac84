import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readSshSettings } from "../../stacks/asking/ssh-settings.ts";
import { parseStackConfig } from "../../stacks/checks/parse.ts";
import { type Sshd, startSshd } from "./offline-sshd.ts";

// What a ~/.ssh/config means to those who are not OpenSSH, with OpenSSH's own client, and a server on the way.

let gate: Sshd;
beforeAll(async () => {
  gate = await startSshd(["AllowUsers root"]);
});
afterAll(() => gate?.stop());

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ssh-settings-"));
  mkdirSync(join(home, ".ssh"));
  vi.stubEnv("HOME", home);
  vi.stubEnv("SSH_AUTH_SOCK", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true });
});

const key = (path: string) => {
  writeFileSync(join(home, path), gate.privateKey, { mode: 0o600 });
  return join(home, path);
};

async function read(lines: readonly string[], storage: object = {}) {
  writeFileSync(join(home, ".ssh", "config"), `${lines.join("\n")}\n`);
  // OpenSSH itself goes by the home folder in /etc/passwd.
  const { stdout: ssh } = await execa("bash", ["-c", "type -ap ssh | tail -n 1"]);
  writeFileSync(join(home, "ssh"), `#!/bin/sh\nexec ${ssh} -F ${home}/.ssh/config "$@"\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${home}:${process.env.PATH}`);
  const config = parseStackConfig(
    {
      storage: { address: "store", ...storage },
      hosts: [
        { name: "host1", address: "kvm1" },
        { name: "host2", address: "192.0.2.12" },
      ],
      guests: [{ name: "vm1" }],
      placement: { vm1: "host1" },
    },
    "mine",
  );
  const { settings, mistakes } = await readSshSettings(config);
  return { settings, mistakes: mistakes.map(({ path, problem, fix }) => `${path}: ${problem}; ${fix}`) };
}

describe("keys and agents", () => {
  test("are found by the tokens in their paths; a public key names one of the agent's", async () => {
    const own = key(".ssh/root@kvm1");
    writeFileSync(join(home, ".ssh", "work.pub"), gate.hostKey);
    const { settings, mistakes } = await read([
      "Host kvm1",
      `IdentityFile ${home}/.ssh/work.pub`,
      `IdentityFile ${home}/.ssh/%r@%n`,
      "IdentityAgent /run/%i/agent.sock",
    ]);
    expect(mistakes).toEqual([]);
    expect(settings.kvm1).toMatchObject({
      privateKeyFile: own,
      identityAgent: `/run/${process.getuid?.()}/agent.sock`,
    });
  });

  test("whose path only OpenSSH knows are named", async () => {
    expect((await read(["Host kvm1", "IdentityFile ~/.ssh/%C"])).mistakes).toEqual([
      "testbed:hosts[0].address: ~/.ssh/config has IdentityFile ~/.ssh/%C for kvm1, and only OpenSSH knows what %C stands for there; write the path without it",
    ]);
  });

  test("a jump host has its own", async () => {
    const { settings } = await read([
      "Host kvm1",
      "ProxyJump gate",
      "Host *",
      "IdentityAgent /run/1password.sock",
    ]);
    expect(settings.kvm1?.jump).toMatchObject({ address: "gate", identityAgent: "/run/1password.sock" });
  });

  test("in an agent that libvirt's provider does not ask are named, unless there is one that it finds", async () => {
    const lines = ["Host store", `IdentityAgent ${home}/own.sock`];
    expect((await read(lines)).mistakes).toEqual([
      `testbed:storage.address: its key is in the agent that ~/.ssh/config names (IdentityAgent ${home}/own.sock), and libvirt's provider asks the one of SSH_AUTH_SOCK alone, which is not set; run pulumi with SSH_AUTH_SOCK=${home}/own.sock`,
    ]);
    key(".ssh/id_ed25519");
    expect((await read(lines)).mistakes).toEqual([]);
  });
});

test.each([
  ["ProxyJump further", "ProxyJump further"],
  ["ProxyCommand nc %h %p", "ProxyCommand nc %h %p"],
])("a jump host that is reached by a way of its own is named: %s", async (line, said) => {
  expect((await read(["Host kvm1", "ProxyJump gate", "Host gate", line])).mistakes).toEqual([
    `testbed:hosts[0].address: ~/.ssh/config leads to the jump host gate by a way of its own (${said}); lead to gate directly (for it, ProxyJump none and ProxyCommand none): not all that connects to machines can do more than one jump`,
  ]);
});

describe("the storage host, to libvirt's provider,", () => {
  const alias = ["Host store", "HostName 192.0.2.10", "Port 2222"];
  const jump = () => [
    "Host gate",
    "HostName 127.0.0.1",
    `Port ${gate.port}`,
    `IdentityFile ${key("gate-key")}`,
  ];
  const trusting = ["Host *", "StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"];

  test("is what it is called in the stack, where it reads the same", async () => {
    const { settings, mistakes } = await read(alias);
    expect(mistakes).toEqual([]);
    expect(settings.store).toEqual({ hostName: "192.0.2.10", port: 2222 });
  });

  test.each([
    ["Match in the file", [...alias, "Match user nobody", "Port 1"], {}],
    ["a token", ["Host store", "HostName %h.example.com"], {}],
    ["another port in the stack", [...alias], { port: 22 }],
  ])("is called as OpenSSH resolves it, with %s", async (_, lines, storage) => {
    const { settings, mistakes } = await read(lines, storage);
    expect(mistakes).toEqual([]);
    expect(settings.store?.libvirtName).toBe(settings.store?.hostName);
  });

  test("over a jump host is reached where both read the same", async () => {
    const lines = [...alias, "User root", "ProxyJump gate", ...jump(), ...trusting, "User root"];
    const { settings, mistakes } = await read(lines);
    expect(mistakes).toEqual([]);
    expect(settings.store).not.toHaveProperty("libvirtName");
  });

  test.each([
    [
      "Match",
      () => ["ProxyJump gate", ...jump(), "Match user nobody"],
      "passes over a ~/.ssh/config with Match in it",
    ],
    [
      "a port in ProxyJump",
      () => [`ProxyJump root@127.0.0.1:${gate.port}`],
      "knows neither tokens nor a user or port in ProxyJump",
    ],
    ["the default port of the jump host", () => ["ProxyJump gate"], "Port 22"],
  ])("is not reached over a jump host with %s, which is named with what to write", async (_, lines, said) => {
    const { mistakes } = await read([...alias, ...lines()]);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toContain(said);
    expect(mistakes[0]).toContain("Host store, HostName 192.0.2.10, Port 2222, ProxyJump ");
  });

  test("behind a jump host with another key is reached by the keys that stand in the file alone", async () => {
    const lines = (own: string) => [
      ...alias,
      "User root",
      own,
      "ProxyJump gate",
      ...jump(),
      ...trusting,
      "User root",
    ];
    const file = key("store-key");
    expect((await read(lines(`IdentityFile ${file}`))).mistakes).toEqual([]);
    expect((await read(lines(`IdentityFile ${home}/%n-key`))).mistakes).toEqual([
      expect.stringContaining(
        `does not find ${file} there for store; let the first IdentityFile below Host store there be ${file}, or let both have one key`,
      ),
    ]);
  });

  test("is not reached over a jump host that lets another user in alone", async () => {
    const lines = [...alias, "User admin", "ProxyJump gate", ...jump(), "User root", ...trusting];
    expect((await read(lines)).mistakes).toEqual([
      expect.stringContaining(
        "logs in to a jump host as it does behind it, as admin, whatever User ~/.ssh/config has for gate, which does not let admin in",
      ),
    ]);
  });
});
