import { existsSync } from "node:fs";
import { readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readLoad } from "../../stacks/asking/ask-load.ts";
import { makeTestFolder } from "./abandoned.ts";

// A lab of containers without guests, on this machine, in a Pulumi project of its own. The tests go on from one
// another: together they are the life of a lab, with its accidents.

const lab = "hosts-test";
const state = `/var/lib/kvm-migration-testbed/${lab}`;
const bridge = "lab-hosts-test";
const names = ["storage", "host1", "host2"] as const;
type Name = (typeof names)[number];
const addresses: Record<Name, string> = { storage: "10.77.9.10", host1: "10.77.9.11", host2: "10.77.9.12" };
const root = join(import.meta.dirname, "..", "..");

let project: string;
let env: Record<string, string>;

beforeAll(async () => {
  project = await makeTestFolder();
  const image = join(project, "base.qcow2");
  env = {
    PULUMI_BACKEND_URL: `file://${project}`,
    PULUMI_CONFIG_PASSPHRASE: "test",
    HOSTS_TEST_IMAGE: image,
  };
  await writeFile(
    join(project, "Pulumi.yaml"),
    "name: hosts-test\nmain: index.ts\nruntime: {name: nodejs, options: {typescript: false}}\n",
  );
  // As this project's own: the engine is found by its name.
  for (const name of ["package.json", "provider"]) await symlink(join(root, name), join(project, name));
  await writeFile(
    join(project, "index.ts"),
    `export * from "${join(root, "test", "lab", "hosts-program", "index.ts")}";\n`,
  );
  await symlink(join(root, "node_modules"), join(project, "node_modules"));
  await execa("qemu-img", ["create", "-q", "-f", "qcow2", image, "64M"]);
  await pulumi("stack", "init", "test");
});

afterAll(async () => {
  // Whatever state a failed test left: the scripts work without Pulumi's.
  for (const name of [...names].reverse()) await labScript("stop", name);
  await rm(project, { recursive: true, force: true });
});

test("up makes hosts that are ready to run and to exchange guests", async () => {
  await up();
  const { facts, guestNetwork, transport, baseVolume } = await outputs();
  expect(facts.map((each: { address: string }) => each.address)).toEqual([addresses.host1, addresses.host2]);
  expect(facts[0].uuid).not.toBe(facts[1].uuid);
  expect(facts[0].memoryMiB).toBeGreaterThan(0);

  expect(await on("host1", "ip -o -4 addr show dev br0")).toContain("10.77.9.11/24");
  expect(await on("host1", `virsh net-info ${guestNetwork}`)).toMatch(/Active: +yes[\s\S]*Autostart: +yes/);
  // No option of ours: host-to-host trust is in the host's own SSH configuration.
  expect(await on("host1", "virsh -c qemu+ssh://root@host2/system uri")).toContain("host2");
  expect(await on("host2", "ssh -o BatchMode=yes host1 hostname")).toBe("host1");
  expect(await on("storage", `qemu-img info ${baseVolume}`)).toContain("virtual size: 64 MiB");
  const path = transport === "kernel" ? baseVolume : `nfs://${addresses.storage}${baseVolume}`;
  expect(await on("host1", `qemu-img info '${path}'`)).toContain("virtual size: 64 MiB");

  const folder = join(project, ".testbed", lab);
  const login = {
    port: 22,
    user: "root",
    privateKeyFile: join(folder, "id_ed25519"),
    knownHostsFile: join(folder, "known_hosts"),
  };
  const hosts = ["host1", "host2"] as const;
  const targets = hosts.map((name) => ({ ...login, name, address: addresses[name] }));
  const said = await readLoad(targets, { windowMinutes: 60 });
  for (const name of hosts) {
    const some = expect.arrayContaining([expect.objectContaining({ cpuSeconds: expect.any(Number) })]);
    expect(said[name]).toMatchObject({ everySeconds: 60, host: some, guests: [] });
  }
});

test("up again changes nothing, and restarts nothing", async () => {
  const before = await running();
  expect(await up()).toMatch(/^\d+ unchanged$/);
  expect(await running()).toEqual(before);
});

test("the scripts themselves change nothing when they are run again", async () => {
  const before = await running();
  const { stdout } = await labScript("start", "host1");
  expect(stdout).toBe(await on("host1", "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub"));
  expect(await running()).toEqual(before);
});

test("a second lab in the same network is refused with the reason, and leaves nothing", async () => {
  const other = { LAB: "another-lab", LAB_BRIDGE: "lab-other" };
  expect((await labScript("start", "host1", other)).all).toContain("10.77.9.0/24 is in use on this machine");
  expect(existsSync("/var/lib/kvm-migration-testbed/another-lab")).toBe(false);
  expect(existsSync("/sys/class/net/lab-other")).toBe(false);
});

test("a lab that is there can't be moved to another network", async () => {
  const { all } = await labScript("start", "host1", {
    LAB_NETWORK: "10.77.19.0/24",
    LAB_GATEWAY: "10.77.19.1",
    LAB_ADDRESS: "10.77.19.11",
  });
  expect(all).toMatch(/was made with network 10\.77\.9\.0\/24, .* now says network 10\.77\.19\.0\/24/);
  expect(await on("host1", "hostname")).toBe("host1");
});

test("another clone's lab of the same name is refused with the reason", async () => {
  const { all } = await labScript("start", "host1", {}, tmpdir());
  expect(all).toContain(`a lab of this name was started from ${project}`);
});

describe("a host that died", () => {
  test("by kill -9 of its supervisor, is seen in a preview, which does nothing", async () => {
    await on("host1", "echo kept > /root/on-its-disk");
    const before = await sighting("host1");
    await kill(before?.supervisor ?? "none");
    const steps = await preview();
    expect(steps).toContainEqual(expect.stringContaining("host1-container"));
    expect(steps).not.toContainEqual(expect.stringContaining("host2-container"));
    // Its first process lives on without it; a restart would have ended that.
    expect(await sighting("host1")).toEqual(before);
    expect(await containerPids("host1")).toContain(before?.pid);
  });

  test("is started again by up, with its disks, and the others are left alone", async () => {
    const before = await running();
    await up();
    const after = await running();
    expect(after.host1).not.toEqual(before.host1);
    expect([after.storage, after.host2]).toEqual([before.storage, before.host2]);
    expect(await on("host1", "cat /root/on-its-disk")).toBe("kept");
    await settled();
  });

  test("with the whole machine, as after a reboot, comes back with its bridge, its NFS server and its keys", async () => {
    for (const name of names) await killContainer(name);
    for (const name of names) await execa("umount", [join(state, "hosts", name, "root")]);
    await execa("ip", ["link", "delete", bridge]);
    await up();
    expect(await on("host1", "ssh -o BatchMode=yes host2 ip -o -4 addr show dev br0")).toContain(
      "10.77.9.12/24",
    );
    expect(await on("storage", "virsh pool-list --all --name")).toContain("testbed");
    await settled();
  });

  test("while it was being started, is cleared away and started again", async () => {
    await killContainer("host2");
    const interrupted = new AbortController();
    const start = labScript("start", "host2", {}, project, interrupted.signal);
    // Far enough for the container's first processes to be there.
    await until(async () => (await containerPids("host2")).length > 0);
    interrupted.abort();
    await start;
    await up();
    expect(await on("host2", "hostname")).toBe("host2");
    await settled();
  });
});

describe("a host that can't be reached as it should be, in seconds:", () => {
  const reach = async (change: Record<string, string>) => {
    const { all, exitCode } = await execa("bash", [join(root, "hosts", "reach.sh")], {
      cwd: project,
      all: true,
      reject: false,
      timeout: 10_000,
      env: {
        HOST_NAME: "host1",
        HOST_ADDRESS: addresses.host1,
        HOST_PORT: "22",
        HOST_USER: "root",
        HOST_KEY_FILE: `.testbed/${lab}/id_ed25519`,
        KNOWN_HOSTS_FILE: `.testbed/${lab}/known_hosts`,
        KNOWN_HOSTS: "strict",
        HOST_KEY: "",
        ...change,
      },
    });
    return exitCode === 0 ? "reached" : all;
  };

  test("none of this is wrong", async () => expect(await reach({})).toBe("reached"));
  test("nobody answers", async () =>
    expect(await reach({ HOST_ADDRESS: "10.77.9.99" })).toContain("does not answer"));
  test("its key was never seen", async () =>
    expect(await reach({ KNOWN_HOSTS_FILE: "none" })).toContain("Log in once by hand"));
  test("a wrong private key", async () =>
    // The storage host is not among those that the hosts' own key opens.
    expect(
      await reach({ HOST_ADDRESS: addresses.storage, HOST_KEY_FILE: `.testbed/${lab}/id_trust` }),
    ).toContain("Permission denied"));
  test("no private key", async () =>
    expect(await reach({ HOST_KEY_FILE: "none" })).toContain("is not there"));
  test("another host key than the one that is known", async () => {
    const known = await readFile(join(project, `.testbed/${lab}/known_hosts`), "utf8");
    const [, type, key] =
      known
        .split("\n")
        .find((line) => line.startsWith(addresses.host2))
        ?.split(" ") ?? [];
    await writeFile(join(project, "wrong"), `${addresses.host1} ${type} ${key}\n`);
    expect(await reach({ KNOWN_HOSTS_FILE: "wrong" })).toContain("has another host key");
    expect(await reach({ KNOWN_HOSTS_FILE: "wrong", KNOWN_HOSTS: "accept-new" })).toContain(
      "another host key",
    );
  });
});

// Within this time only if nothing waits, up to its own limit, for hosts that do not answer.
test("destroy works when all containers are dead already; nothing is left", {
  timeout: 300_000,
}, async () => {
  for (const name of names) await killContainer(name);
  await pulumi("destroy", "--yes", "--skip-preview");

  expect(existsSync(state)).toBe(false);
  expect(existsSync(`/sys/class/net/${bridge}`)).toBe(false);
  expect(await readFile("/proc/mounts", "utf8")).not.toContain(lab);
  for (const name of names) expect(await containerPids(name)).toEqual([]);
  expect((await execa("pgrep", ["-f", `testbed-${lab}-`], { reject: false })).stdout).toBe("");
  expect(await readdir("/run/systemd/nspawn/propagate")).not.toContainEqual(expect.stringContaining(lab));
  expect(existsSync(join(project, ".testbed", lab))).toBe(false);
});

/** Runs `pulumi up` and returns its own count of what it did, such as "42 unchanged". */
async function up(): Promise<string> {
  const text = await pulumi("up", "--yes", "--skip-preview");
  return /Resources:\n([\s\S]*?)\n\n/.exec(text)?.[1]?.trim() ?? text;
}

/** What `pulumi up` would do, as "operation urn". */
async function preview(): Promise<string[]> {
  const { steps } = JSON.parse(await pulumi("preview", "--json"));
  return steps.flatMap(({ op, urn }: { op: string; urn: string }) => (op === "same" ? [] : [`${op} ${urn}`]));
}

/** The next `up` would do nothing. */
async function settled(): Promise<void> {
  expect(await preview()).toEqual([]);
}

async function outputs() {
  return JSON.parse(await pulumi("stack", "output", "--json"));
}

async function pulumi(...args: string[]): Promise<string> {
  // The CLI is the project's, wherever that has its own.
  const program = [join(root, "bin/pulumi"), "--cwd", project];
  const { stdout } = await execa("sh", [...program, ...args, "--non-interactive"], { env, timeout: 600_000 });
  return stdout;
}

async function on(name: Name, command: string): Promise<string> {
  const folder = join(project, ".testbed", lab);
  const options = [
    "-i",
    join(folder, "id_ed25519"),
    "-o",
    `UserKnownHostsFile=${join(folder, "known_hosts")}`,
  ];
  const { stdout } = await execa("ssh", [
    ...options,
    "-o",
    "BatchMode=yes",
    `root@${addresses[name]}`,
    command,
  ]);
  return stdout;
}

/** Runs a script of the lab by hand, as the resource of that host would, but for some variables. */
async function labScript(
  verb: "start" | "stop",
  name: Name,
  change: Record<string, string> = {},
  cwd = project,
  cancelSignal?: AbortSignal,
) {
  return execa("bash", [join(root, "lab", `${verb}.sh`)], {
    cwd,
    all: true,
    reject: false,
    timeout: 120_000,
    ...(cancelSignal && { cancelSignal, killSignal: "SIGKILL" as const }),
    env: {
      LAB: lab,
      LAB_HOST: name,
      LAB_BRIDGE: bridge,
      LAB_NETWORK: "10.77.9.0/24",
      LAB_PREFIX: "24",
      LAB_GATEWAY: "10.77.9.1",
      LAB_ADDRESS: addresses[name],
      LAB_EXPORT: name === "storage" ? "/export/testbed" : "",
      LAB_KNOWN_HOSTS: `.testbed/${lab}/known_hosts`,
      LAB_AUTHORIZED_KEY: await readFile(join(project, ".testbed", lab, "id_ed25519.pub"), "utf8").then(
        (line) => line.trim(),
        () => "",
      ),
      LAB_GENERATION: (await sighting(name))?.generation ?? "1",
      ...change,
    },
  });
}

interface Sighting {
  generation: string;
  pid: string;
  supervisor: string;
}

/** What start.sh wrote down of a container. */
async function sighting(name: Name): Promise<Sighting | undefined> {
  const text = await readFile(join(state, "hosts", name, "alive"), "utf8").catch(() => "");
  const [generation = "", pid = "", , supervisor = ""] = text.trim().split(" ");
  return text ? { generation, pid, supervisor } : undefined;
}

/** Ids, on this machine, of all processes of a container: they have its file system as their root. */
async function containerPids(name: Name): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const mounts = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/mountinfo`, "utf8").catch(() => "")),
  );
  const own = new RegExp(` / / .*upperdir=${state}/hosts/${name}/upper,`);
  return pids.filter((_, i) => own.test(mounts[i] ?? ""));
}

/** Processes that a restart of a host or of a daemon on it would change. */
async function running(): Promise<Record<Name, string>> {
  const daemons =
    "systemctl show -p MainPID -p ActiveEnterTimestampMonotonic libvirtd ssh systemd-networkd nfs-ganesha";
  const each = names.map(async (name) => [name, `${(await sighting(name))?.pid} ${await on(name, daemons)}`]);
  return Object.fromEntries(await Promise.all(each));
}

async function kill(...pids: string[]): Promise<void> {
  await execa("kill", ["-KILL", ...pids], { reject: false });
}

async function killContainer(name: Name): Promise<void> {
  const { pid = "", supervisor = "" } = (await sighting(name)) ?? {};
  await kill(pid, supervisor);
  await until(async () => (await containerPids(name)).length === 0);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 50) {
    if (waitedMs > 20_000) throw new Error("it did not happen within 20 s");
    await sleep(50);
  }
}
