import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

// Several hosts of a lab are reached at the same time, and have one file of known keys.

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
  file = join(folder, "known_hosts");
  // Every host answers, and lets us in.
  const tool = (name: string, body: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  tool("ssh-keyscan", `for host; do :; done; echo "$host ssh-ed25519 KEY-$host"`);
  tool(
    "ssh",
    `[ "$1" != -G ] || { for host; do :; done; echo "hostname $host"; exit; }; case "$*" in *tar*) exec cat > /dev/null ;; esac; echo "port 22"; echo "no key of its own"; echo os-release:ID=debian; echo os-release:VERSION_ID=12`,
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const reach = (host: string, env: Record<string, string>) =>
  execa("bash", [join(import.meta.dirname, "../../../hosts/reach.sh")], {
    env: {
      PATH: `${folder}:${process.env.PATH}`,
      HOME: folder,
      HOST_NAME: host,
      HOST_ADDRESS: host,
      HOST_PORT: "22",
      HOST_USER: "root",
      HOST_KEY_FILE: "",
      KNOWN_HOSTS_FILE: file,
      KNOWN_HOSTS: "strict",
      HOST_KEY: "",
      SSH_AUTH_SOCK: "",
      ...env,
    },
    reject: false,
  });

const lines = () => readFileSync(file, "utf8").trim().split("\n").sort();
const hosts = Array.from({ length: 8 }, (_, i) => `10.0.0.${i + 1}`);

test("keys of hosts that are reached at the same time are all in it, and none that was is ever missing", async () => {
  writeFileSync(file, "10.0.0.99 ssh-ed25519 KEPT\n");
  const texts = new Set<string>();
  const watch = setInterval(() => texts.add(readFileSync(file, "utf8")), 0);
  const results = await Promise.all(
    hosts.map((host) => reach(host, { HOST_KEY: `ssh-ed25519 KEY-${host}` })),
  );
  clearInterval(watch);
  expect(results.map(({ stderr }) => stderr)).toEqual(hosts.map(() => ""));
  expect(lines()).toEqual(
    ["10.0.0.99 ssh-ed25519 KEPT", ...hosts.map((host) => `${host} ssh-ed25519 KEY-${host}`)].sort(),
  );
  expect([...texts].filter((text) => !text.includes("KEPT"))).toEqual([]);
});

test("keys that are seen for the first time are added, all of them", async () => {
  const env = (host: string, i: number): Record<string, string> =>
    i % 2 === 0 ? { KNOWN_HOSTS: "accept-new" } : { HOST_KEY: `ssh-ed25519 KEY-${host}` };
  const results = await Promise.all(hosts.map((host, i) => reach(host, env(host, i))));
  expect(results.map(({ stderr }) => stderr)).toEqual(hosts.map(() => ""));
  expect(lines()).toEqual(hosts.map((host) => `${host} ssh-ed25519 KEY-${host}`).sort());
});
