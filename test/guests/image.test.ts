import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa, type ResultPromise } from "execa";
import pRetry from "p-retry";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloudInit } from "../../guests/cloud-init.ts";
import { packed } from "../../guests/packed.ts";
import { verifyWorkloadCommand, type Workload } from "../../guests/workload.ts";
import type { Image } from "../../images/image.ts";
import { resolveImage } from "../../images/resolve.ts";

// The Debian image by itself: one guest under plain QEMU, without libvirt, hosts or KVM.

const diskGiB = 5;
const mac = "52:54:00:10:55:10"; // a number, to a YAML 1.1 parser that is not told otherwise
const workload: Workload = { type: "disk", mibPerSecond: 0.25 };

let image: Image;
let folder: string;
let port: number;
let qemu: ResultPromise;

const file = (name: string) => join(folder, name);

beforeAll(async () => {
  image = await resolveImage("debian-12");
  folder = await mkdtemp(join(tmpdir(), "image-test-"));
  port = await freePort();
  await execa("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file("key")]);
  const { stdout: publicKey } = await execa("cat", [file("key.pub")]);
  const seed = cloudInit({
    uuid: "0c6bd2a4-6d6f-4a3e-8f5e-6b2f0b6d3a11",
    hostname: "vm-image",
    user: "tester",
    authorizedKeys: [publicKey],
    mac,
    address: { cidr: "10.0.2.15/24", gateway: "10.0.2.2", dns: ["10.0.2.3"] },
    workload,
  });
  await writeFile(file("user-data"), packed(seed.userData));
  await writeFile(file("meta-data"), seed.metaData);
  await writeFile(file("network-config"), seed.networkConfig);
  const texts = ["user-data", "meta-data", "network-config"].map(file);
  await execa("genisoimage", [
    "-quiet",
    "-volid",
    "cidata",
    "-joliet",
    "-rock",
    "-output",
    file("seed"),
    ...texts,
  ]);
  const overlay = ["-b", image.path, "-F", image.format, file("disk"), `${diskGiB}G`];
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", ...overlay]);
  qemu = boot();
});

afterAll(async () => {
  qemu?.kill("SIGKILL");
  await qemu?.catch(() => {});
  if (folder) await rm(folder, { recursive: true });
});

function boot(): ResultPromise {
  return execa("qemu-system-x86_64", [
    ...["-machine", "q35,accel=tcg", "-smp", "1", "-m", "512", "-nodefaults", "-display", "none"],
    ...["-drive", `file=${file("disk")},if=virtio,format=qcow2`],
    ...["-drive", `file=${file("seed")},if=virtio,format=raw,readonly=on`],
    ...["-netdev", `user,id=net,hostfwd=tcp:127.0.0.1:${port}-10.0.2.15:22`],
    ...[
      "-device",
      `virtio-net-pci,netdev=net,mac=${mac}`,
      "-device",
      "virtio-rng-pci",
      "-device",
      "virtio-serial-pci",
    ],
    ...["-chardev", `socket,id=agent,path=${file("agent")},server=on,wait=off`],
    ...["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"],
    ...["-qmp", `unix:${file("qmp")},server=on,wait=off`, "-serial", `file:${file("console.log")}`],
  ]);
}

async function inGuest(command: string): Promise<string> {
  const options = ["BatchMode=yes", "ConnectTimeout=10", `UserKnownHostsFile=${file("known_hosts")}`];
  const trust = ["StrictHostKeyChecking=accept-new", "IdentitiesOnly=yes", "LogLevel=ERROR"];
  const flags = [...options, ...trust].flatMap((option) => ["-o", option]);
  const target = ["-i", file("key"), "-p", String(port), "tester@127.0.0.1"];
  return (await execa("ssh", [...flags, ...target, command], { timeout: 60_000 })).stdout;
}

/** Sends lines of JSON to one of QEMU's sockets and gives back the answer that is asked for. */
async function ask(socketName: string, messages: object[], answers: number): Promise<unknown> {
  const socket = createConnection(file(socketName));
  socket.setTimeout(60_000, () => socket.destroy(new Error(`no answer from the ${socketName} in a minute`)));
  socket.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  try {
    for await (const line of createInterface(socket)) {
      const answer = JSON.parse(line) as { return?: unknown; error?: unknown };
      if (answer.error) throw new Error(line);
      if ("return" in answer && --answers === 0) return answer.return;
    }
    throw new Error(`the ${socketName} closed`);
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("a guest of the Debian image is reachable over SSH, set up as its seed says", async () => {
  await pRetry(() => inGuest("true"), { retries: 120, minTimeout: 500, factor: 1 });

  expect(await inGuest("hostname; whoami; sudo -n whoami")).toBe("vm-image\ntester\nroot");
  expect(await inGuest("ip -4 -o address show scope global | awk '{print $4}'")).toBe("10.0.2.15/24");
  expect(await inGuest("ip route show default")).toContain("via 10.0.2.2");
  expect(await inGuest("sudo awk -F: '$2 !~ /^[!*]/ {print $1}' /etc/shadow")).toBe("");
  expect(await inGuest("ls /etc/ssh/ssh_host_*_key")).toBe("/etc/ssh/ssh_host_ed25519_key");
});

test("its root file system fills the disk and nothing failed", async () => {
  const sizeMiB = Number(await inGuest("df --block-size=M --output=size / | tr -dc 0-9"));
  expect(sizeMiB).toBeGreaterThan(diskGiB * 1024 * 0.95);
  expect(await inGuest("cloud-init status --wait | tr -d '.\\n'")).toBe("status: done");
  expect(await inGuest("systemctl --failed --no-legend")).toBe("");
});

test("its workload writes what it acknowledges", async () => {
  const written = await pRetry(
    async () => {
      const result = JSON.parse(await inGuest(`sudo ${verifyWorkloadCommand}`));
      if (result.acknowledged < 10) throw new Error(`only ${result.acknowledged} records yet`);
      return result;
    },
    { retries: 20, minTimeout: 1000, factor: 1 },
  );
  expect(written.lost).toBe(0);
});

test("its agent answers the hypervisor", async () => {
  const sync = { execute: "guest-sync", arguments: { id: 4711 } };
  expect(await ask("agent", [sync, { execute: "guest-get-osinfo" }], 2)).toMatchObject({ id: "debian" });
});

test("it goes off when the power button is pressed", async () => {
  await ask("qmp", [{ execute: "qmp_capabilities" }, { execute: "system_powerdown" }], 2);
  expect((await qemu).exitCode).toBe(0);
});
