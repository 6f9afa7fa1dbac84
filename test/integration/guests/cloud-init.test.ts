import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { cloudInit, type GuestIdentity } from "../../../guests/cloud-init.ts";

const guest: GuestIdentity = {
  uuid: "b1e6a0c2-6f0e-5d0e-9a53-0d5d6f1c9b01",
  hostname: "vm1",
  user: "ubuntu",
  authorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA one", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5BBBB two"],
  mac: "52:54:00:10:55:EF",
};

// cloud-init's parser speaks YAML 1.1.
const yaml = (text: string) => parse(text, { version: "1.1" });
const user = (more: Partial<GuestIdentity> = {}) => yaml(cloudInit({ ...guest, ...more }).userData);
const card = (more: Partial<GuestIdentity> = {}) =>
  yaml(cloudInit({ ...guest, ...more }).networkConfig).ethernets.nic0;

test("the instance is the guest's UUID, and all is done in cloud-init's first stage", () => {
  expect(yaml(cloudInit(guest).metaData)).toEqual({
    "instance-id": guest.uuid,
    "local-hostname": "vm1",
    dsmode: "local",
  });
});

test("user-data is what cloud-init takes for its configuration", () => {
  expect(cloudInit(guest).userData.split("\n")[0]).toBe("#cloud-config");
});

test("one account, which logs in with a key and may use sudo; no passwords, no root", () => {
  const { users, ssh_pwauth, disable_root } = user();
  expect(users).toEqual([
    expect.objectContaining({
      name: "ubuntu",
      lock_passwd: true,
      sudo: "ALL=(ALL) NOPASSWD:ALL",
      ssh_authorized_keys: guest.authorizedKeys,
    }),
  ]);
  expect({ ssh_pwauth, disable_root }).toEqual({ ssh_pwauth: false, disable_root: true });
});

test("a card is found by its MAC, and asks for a lease unless it has an address", () => {
  expect(card()).toMatchObject({ match: { macaddress: "52:54:00:10:55:ef" }, dhcp4: true });
  const fixed = card({ address: { cidr: "10.77.0.101/24", gateway: "10.77.0.1", dns: ["10.77.0.1"] } });
  expect(fixed).toMatchObject({
    match: { macaddress: "52:54:00:10:55:ef" },
    addresses: ["10.77.0.101/24"],
    routes: [{ to: "0.0.0.0/0", via: "10.77.0.1" }],
    nameservers: { addresses: ["10.77.0.1"] },
  });
  expect(fixed).not.toHaveProperty("dhcp4");
  const alone = card({ address: { cidr: "10.77.0.101/24" } });
  expect(Object.keys(alone).sort()).toEqual(["accept-ra", "addresses", "match"]);
});

test("values that YAML 1.1 would take for numbers or booleans stay texts", () => {
  expect(card({ mac: "52:54:00:10:55:10" }).match.macaddress).toBe("52:54:00:10:55:10");
  expect(user({ hostname: "on" }).hostname).toBe("on");
  expect(user({ hostname: "1e3" }).hostname).toBe("1e3");
  const modes = user({ workload: { type: "cpu" } }).write_files.map(
    (f: { permissions: unknown }) => f.permissions,
  );
  expect(new Set(modes)).toEqual(new Set(["0644"]));
});

test("any hostname, user and key comes out as it went in", () => {
  const word = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,30}$/);
  const key = fc.string({ minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(word, word, fc.array(key, { maxLength: 3 }), (hostname, name, authorizedKeys) => {
      const seed = user({ hostname, user: name, authorizedKeys });
      expect(seed.hostname).toBe(hostname);
      expect(seed.users[0]).toMatchObject({ name, ssh_authorized_keys: authorizedKeys });
    }),
  );
});

test("a host key that is known beforehand is the only one", () => {
  const hostKey = { privateKey: "-----BEGIN\nx\n-----END\n", publicKey: "ssh-ed25519 AAAA" };
  expect(user({ hostKey })).toMatchObject({
    ssh_genkeytypes: [],
    ssh_keys: { ed25519_private: hostKey.privateKey, ed25519_public: hostKey.publicKey },
  });
  expect(user()).toMatchObject({ ssh_genkeytypes: ["ed25519"] });
});

describe("a first boot", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "cloud-"));
    mkdirSync(join(root, "data"));
    mkdirSync(join(root, "instance", "sem"), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const write = (file: string, text = "") => writeFileSync(join(root, file), text);

  /** What the boot's first command does, in a folder instead of /var/lib/cloud: what it calls instead of what it would. */
  async function boot(): Promise<string> {
    const [[, , script]] = user().bootcmd;
    const own = script.replaceAll("/var/lib/cloud", root).replace("/dev/console", "/dev/null");
    const calls = `cloud-init() { echo "cloud-init $*"; }; reboot() { echo "reboot $*"; }; sync() { :; }\n`;
    const { stdout } = await execa("bash", ["-c", calls + own], { env: { INSTANCE_ID: guest.uuid } });
    return stdout;
  }
  const anew = "cloud-init clean\nreboot -ff";

  test("goes on by itself", async () => {
    write("data/previous-instance-id", "NO_PREVIOUS_INSTANCE_ID\n");
    expect(await boot()).toBe("");
  });

  test("that was cut off is made anew", async () => {
    write("data/previous-instance-id", `${guest.uuid}\n`);
    expect(await boot()).toBe(anew);
  });

  test("that was cut off before it was on the disk who the guest is, too", async () => {
    write("data/previous-instance-id");
    write("instance/sem/config_ssh");
    expect(await boot()).toBe(anew);
  });

  test("that is on the disk is never made anew: its last command says that it is", async () => {
    write("data/previous-instance-id", `${guest.uuid}\n`);
    const last = user({ workload: { type: "cpu" } }).runcmd.at(-1)[2] as string;
    expect(last).toMatch(/^sync && .* && sync$/);
    await execa("sh", ["-c", last.replaceAll("/var/lib/cloud", root).replaceAll("sync", ":")]);
    expect(await boot()).toBe("");
  });
});

test("an idle guest gets no files and no service", () => {
  expect(user({ workload: { type: "idle" } })).toEqual(user());
  expect(user()).not.toHaveProperty("write_files");
  expect(JSON.stringify(user().runcmd)).not.toContain("testbed-workload");
});

test("a workload is its program, its settings and a service that is started", () => {
  const workload = { type: "memory", mibPerSecond: 20, workingSetMiB: 128 } as const;
  const { write_files, runcmd } = user({ workload });
  const files = new Map<string, string>(
    write_files.map((f: { path: string; content: string }) => [f.path, f.content]),
  );
  const modules = ["main", "packages", "progress", "pace", "memory"];
  for (const name of modules) {
    const own = readFileSync(new URL(`../../../guests/workload/${name}.py`, import.meta.url), "utf8");
    expect(files.get(`/usr/local/lib/testbed/workload/${name}.py`)).toBe(own);
  }
  expect(files.size).toBe(modules.length + 2);
  expect(JSON.parse(files.get("/etc/testbed/workload.json") as string)).toMatchObject(workload);
  expect(files.get("/etc/systemd/system/testbed-workload.service")).toContain(
    "ExecStart=/usr/bin/python3 /usr/local/lib/testbed/workload/main.py run /etc/testbed/workload.json",
  );
  expect(runcmd.at(-2)).toEqual(["systemctl", "enable", "--now", "testbed-workload.service"]);
});
