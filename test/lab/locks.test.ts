// The lock and the queue of the storage host, with a real sshd in a network namespace of its own and with disks that are full or read-only.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Fleet } from "../../fleet/fleet.ts";
import { withGuest } from "../../fleet/guest-lock.ts";
import { withTurn } from "../../migration/queue/queue.ts";
import { SshSession } from "../../ssh/session.ts";
import { closeSessions } from "../../ssh/session-pool.ts";
import { useLocalSsh } from "../integration/helpers/local-ssh.ts";
import { startSshd } from "./offline-sshd.ts";
import { signal } from "./traces.ts";

const guest = { guest: "vm1", uuid: "1b7159b2-c702-5eb0-be68-43576be5849d" };
const wanted = { ...guest, from: "host1", to: "host2", memoryMiB: 512, sizeMiB: 512, perHost: 2 };
const ignore = () => {};

/** One that takes a guest's lock, in a network namespace. */
const program = (fleet: Fleet) => `
import { withGuest } from ${JSON.stringify(join(import.meta.dirname, "../../fleet/guest-lock.ts"))};
const fleet = ${JSON.stringify(fleet)};
await withGuest(${JSON.stringify(guest)}, fleet, console.log, async ({ assertLocked }) => {
  console.log("has it");
  if (process.argv[2] === "goes on") return;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    try { assertLocked(); } catch (error) { console.log(String(error), "at", Date.now()); process.exit(); }
  }
});
process.exit();
`;

test("a machine that is cut off lets others go on within 30 s, and knows first that it lost the lock", async () => {
  const folder = mkdtempSync(join(tmpdir(), "locks-"));
  const [a, b] = [`kmt-a-${process.pid}`, `kmt-b-${process.pid}`];
  const links = { a: `kma${process.pid}`.slice(0, 14), b: `kmb${process.pid}`.slice(0, 14) };
  const sshd = await startSshd([], "0.0.0.0");
  try {
    const network = async (name: string, link: string, net: string) => {
      await execa`ip netns add ${name}`;
      await execa`ip link add ${link} type veth peer name eth0 netns ${name}`;
      await execa`ip addr add ${net}.1/24 dev ${link}`;
      await execa`ip link set ${link} up`;
      await execa`ip -n ${name} addr add ${net}.2/24 dev eth0`;
      await execa`ip -n ${name} link set eth0 up`;
    };
    await network(a, links.a, "198.18.201");
    await network(b, links.b, "198.18.202");
    const key = join(folder, "key");
    writeFileSync(key, sshd.privateKey, { mode: 0o600 });
    const start = (namespace: string, net: string, ...words: string[]) => {
      const known = join(folder, `known-${net}`);
      writeFileSync(known, `[${net}.1]:${sshd.port} ${sshd.hostKey}\n`);
      const address = { address: `${net}.1`, port: sshd.port, user: "root" };
      const ssh = { name: "storage", ...address, privateKeyFile: key, knownHostsFile: known };
      const fleet = { hosts: {}, storage: { ssh, intentDirectory: join(folder, "moves") } };
      const file = join(folder, `run-${net}.ts`);
      writeFileSync(file, program(fleet));
      const command = ["netns", "exec", namespace, process.execPath, file, ...words];
      const child = execa("ip", command, { reject: false, all: true });
      let all = "";
      child.all.on("data", (data) => {
        all += data;
      });
      return { child, said: () => all };
    };
    const first = start(a, "198.18.201");
    await vi.waitFor(() => expect(first.said()).toContain("has it"), 30_000);
    // As long as it is there, it keeps it.
    const second = start(b, "198.18.202", "goes on");
    await vi.waitFor(() => expect(second.said()).toContain("another run still works on it"), 30_000);
    await new Promise((resolve) => setTimeout(resolve, 18_000));
    expect(second.said()).not.toContain("has it");
    expect(first.said()).not.toContain("was lost");
    await execa`ip link set ${links.a} down`;
    const cutMs = Date.now();
    await vi.waitFor(() => expect(second.said()).toContain("has it"), { timeout: 30_000, interval: 50 });
    const freeMs = Date.now();
    await vi.waitFor(() => expect(first.said()).toContain("was lost"), 5_000);
    expect(Number(/at (\d+)/.exec(first.said())?.[1])).toBeLessThan(freeMs);
    expect(freeMs - cutMs).toBeLessThan(30_000);
    first.child.kill("SIGKILL");
    await Promise.all([first.child, second.child]);
  } finally {
    for (const name of [a, b]) {
      const { stdout } = await execa({ reject: false })`ip netns pids ${name}`;
      for (const pid of stdout.split("\n").filter(Boolean)) signal(Number(pid), "SIGKILL");
      await execa({ reject: false })`ip netns del ${name}`;
    }
    for (const link of Object.values(links)) await execa({ reject: false })`ip link del ${link}`;
    await sshd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

describe("without a network", () => {
  const local = useLocalSsh();
  afterEach(closeSessions);
  const target = { name: "storage", address: "here", port: 22, user: "root" };

  /** Runs `use` with a small disk that is full, or may not be written to. */
  async function withDisk(kind: "full" | "read-only", use: (path: string) => Promise<void>): Promise<void> {
    const path = join(local, kind);
    mkdirSync(path);
    await execa`mount -t tmpfs -o size=64k tmpfs ${path}`;
    try {
      if (kind === "full") {
        mkdirSync(join(path, "moves/queue"), { recursive: true });
        await execa({ reject: false })`dd if=/dev/zero of=${path}/all bs=4k`;
      } else await execa`mount -o remount,ro ${path}`;
      await use(join(path, "moves"));
    } finally {
      await closeSessions();
      await execa`umount -l ${path}`;
      rmSync(path, { recursive: true });
    }
  }

  test.each([
    ["full", /No space left on device/],
    ["read-only", /Read-only file system/],
  ] as const)("a disk that is %s is said within 30 s", { timeout: 60_000 }, async (kind, why) => {
    await withDisk(kind, async (path) => {
      const fleet = { hosts: {}, storage: { ssh: target, intentDirectory: path } };
      const startedMs = Date.now();
      await expect(withGuest(guest, fleet, ignore, async () => {})).rejects.toThrow(why);
      const session = await SshSession.open(target);
      try {
        const { signal } = new AbortController();
        await expect(withTurn(session, path, wanted, ignore, signal, async () => {})).rejects.toThrow(why);
      } finally {
        await session.close();
      }
      expect(Date.now() - startedMs).toBeLessThan(30_000);
    });
  });
});
