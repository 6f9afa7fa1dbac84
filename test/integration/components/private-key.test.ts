import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { hasPassphrase, needsAgent, readPrivateKey } from "../../../components/private-key.ts";

const folder = mkdtempSync(join(tmpdir(), "private-key-"));
const at = (name: string) => join(folder, name);
const keygen = (...options: string[]) => execa("ssh-keygen", ["-q", ...options]);
const make = (name: string, passphrase: string, ...options: string[]) =>
  keygen("-N", passphrase, "-f", at(name), ...options);

beforeAll(() => Promise.all([make("open", "", "-t", "ed25519"), make("locked", "secret", "-t", "ed25519")]));
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["OpenSSH's format", ["-t", "ed25519"]],
  ["PEM", ["-t", "rsa", "-b", "2048", "-m", "PEM"]],
  ["PKCS #8", ["-t", "ecdsa", "-m", "PKCS8"]],
])("a passphrase is seen by a key's text in %s", async (format, options) => {
  const name = format.replace(/\W/g, "");
  await make(`${name}-open`, "", ...options);
  await make(`${name}-locked`, "secret", ...options);
  expect(hasPassphrase(readFileSync(at(`${name}-open`), "utf8"))).toBe(false);
  expect(hasPassphrase(readFileSync(at(`${name}-locked`), "utf8"))).toBe(true);
});

test("a key with a passphrase is left to the agent, any other is given as text", () => {
  expect(readPrivateKey(at("open"))).toBe(readFileSync(at("open"), "utf8"));
  expect(readPrivateKey(at("locked"))).toBeUndefined();
  expect(readPrivateKey(at("none"))).toBeUndefined();
  expect(["open", "locked", "none"].map((name) => needsAgent(at(name)))).toEqual([false, true, false]);
});

describe("whether a host is reached with a key", () => {
  const hostKey = "ssh-ed25519 AAAAhost";
  let agent: ChildProcess;

  beforeAll(async () => {
    // A host that lets everybody in.
    tool(
      "ssh",
      `case "$*" in -G*) echo "hostname 192.0.2.1" ;; *tar*) cat > /dev/null ;; *) echo "port 22"; echo "${hostKey} root@host"; echo os-release:ID=debian; echo os-release:VERSION_ID=12 ;; esac`,
    );
    tool("ssh-keyscan", `echo "192.0.2.1 ${hostKey}"`);
    // Loaded before it has a passphrase, for which ssh-add would ask.
    await make("held", "", "-t", "ed25519");
    agent = spawn("ssh-agent", ["-D", "-a", at("agent")], { stdio: "ignore" });
    await vi.waitFor(() => expect(existsSync(at("agent"))).toBe(true), 10_000);
    await execa("ssh-add", ["-q", at("held")], { env: { SSH_AUTH_SOCK: at("agent") } });
    await keygen("-p", "-P", "", "-N", "secret", "-f", at("held"));
  });
  afterAll(() => {
    agent.kill();
  });

  function tool(name: string, body: string): void {
    writeFileSync(at(name), `#!/bin/sh\n${body}\n`);
    chmodSync(at(name), 0o755);
  }

  const reach = (keyFile: string, env: Record<string, string>) =>
    execa("bash", [join(import.meta.dirname, "../../../hosts/reach.sh")], {
      env: {
        PATH: `${folder}:${process.env.PATH}`,
        HOME: folder,
        HOST_NAME: "host1",
        HOST_ADDRESS: "192.0.2.1",
        HOST_PORT: "22",
        HOST_USER: "root",
        HOST_KEY_FILE: keyFile,
        KNOWN_HOSTS_FILE: at("known_hosts"),
        KNOWN_HOSTS: "strict",
        HOST_KEY: hostKey,
        SSH_AUTH_SOCK: "",
        ...env,
      },
      reject: false,
    });

  test("without a passphrase needs no agent", async () => {
    expect(await reach(at("open"), {})).toMatchObject({ exitCode: 0, stdout: `${hostKey}\n22` });
  });

  test("with a passphrase needs an agent that holds it", async () => {
    const refused = (name: string) => ({
      exitCode: 1,
      stderr: `host host1 (root@192.0.2.1 port 22): the private key ~/${name} has a passphrase, and no SSH agent (SSH_AUTH_SOCK) holds it: ssh-add ~/${name}, or use a key without a passphrase`,
    });
    expect(await reach("~/held", {})).toMatchObject(refused("held"));
    expect(await reach("~/held", { SSH_AUTH_SOCK: at("agent") })).toMatchObject({ exitCode: 0 });
    expect(await reach("~/locked", { SSH_AUTH_SOCK: at("agent") })).toMatchObject(refused("locked"));
  });
});
