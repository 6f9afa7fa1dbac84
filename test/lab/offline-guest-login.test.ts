import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { runInGuest } from "../../experiments/guest-shell.ts";
import { type Sshd, startSshd } from "./offline-sshd.ts";

// How guests are logged in to, with OpenSSH's own client and servers: one on the way, one that stands for the guest.

const guestAddress = "127.0.77.1";
let gate: Sshd;
let guest: Sshd;
let home: string;
beforeAll(async () => {
  gate = await startSshd();
  guest = await startSshd(["Port 22"], guestAddress);
});
afterAll(() => Promise.all([gate?.stop(), guest?.stop()]));
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "guest-login-"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** Keys, and the known one of the machine on the way, in a folder of this name. */
function keysIn(name: string) {
  const folder = join(home, name);
  mkdirSync(folder, { recursive: true });
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    key: file("key", guest.privateKey),
    gateKey: file("gate-key", gate.privateKey),
    known: file("known", `[127.0.0.1]:${gate.port} ${gate.hostKey}\n`),
  };
}

/** An ssh that reads this in place of ~/.ssh/config: OpenSSH goes by the home folder in /etc/passwd. */
async function configured(lines: readonly string[]): Promise<string> {
  writeFileSync(join(home, "config"), ["Host *", ...lines, ""].join("\n"));
  const { stdout: ssh } = await execa("which", ["ssh"]);
  writeFileSync(join(home, "ssh"), `#!/bin/sh\nexec ${ssh} -F '${home}/config' "$@"\n`, { mode: 0o755 });
  return `${home}:${process.env.PATH}`;
}

const hostile = () => [
  "RemoteCommand tmux",
  "RequestTTY yes",
  "ControlMaster auto",
  `ControlPath ${tmpdir()}/own-%C`,
  "ControlPersist 60",
  "LocalForward 127.0.0.1:22345 127.0.0.1:22",
  "Port 2222",
  "IgnoreUnknown UseKeychain",
  "UseKeychain yes",
];
const masters = async () => (await execa("pgrep", ["-fa", `${tmpdir()}/[o]wn-`], { reject: false })).stdout;

async function wait(
  config: readonly string[],
  { key, gateKey, known }: ReturnType<typeof keysIn>,
  env: Record<string, string> = {},
) {
  return execa("bash", [join(import.meta.dirname, "../../guests/ready.sh")], {
    env: {
      PATH: await configured(config),
      GUEST: "vm1",
      GUEST_ADDRESS: guestAddress,
      GUEST_USER: "root",
      KEY_FILE: key,
      JUMP: `root@127.0.0.1:${gate.port}`,
      JUMP_KEY_FILE: gateKey,
      JUMP_KNOWN_HOSTS: known,
      READY_TIMEOUT_S: "5",
      ...env,
    },
    reject: false,
  });
}

test("a guest is waited for whatever ~/.ssh/config says of a person's own logins, with keys in any folder", async () => {
  expect(await wait(hostile(), keysIn("100%h own"))).toMatchObject({ exitCode: 0 });
  expect(await masters()).toBe("");
});

test("a guest that hangs in the middle of a login is given up in time", async () => {
  const hanging = createServer((socket) => {
    socket.on("error", () => {}).write("SSH-2.0-hangs\r\n");
  });
  await new Promise<void>((resolve) => hanging.listen(22, "127.0.77.2", resolve));
  try {
    const { exitCode, stderr } = await wait([], keysIn("plain"), {
      GUEST_ADDRESS: "127.0.77.2",
      READY_TIMEOUT_S: "1",
      LOGIN_TIMEOUT_S: "2",
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("vm1 cannot be logged in to at 127.0.77.2 after 1 s");
  } finally {
    hanging.close();
  }
});

test("a command runs in a guest, whatever ~/.ssh/config says", async () => {
  const path = process.env.PATH;
  process.env.PATH = await configured(hostile());
  const { key, gateKey, known } = keysIn("100%h own");
  try {
    const jump = {
      name: "storage",
      address: "127.0.0.1",
      port: gate.port,
      user: "root",
      privateKeyFile: gateKey,
      knownHostsFile: known,
    };
    const way = { guest: "vm1", address: guestAddress, user: "root", privateKeyFile: key, jump };
    expect(await runInGuest(way, "speaking", "echo out", 20_000)).toMatchObject({ stdout: "out\n" });
    expect(await masters()).toBe("");
  } finally {
    process.env.PATH = path;
  }
});
