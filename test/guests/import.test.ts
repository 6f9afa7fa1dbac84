import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { intentDirectoryOf } from "../../fleet/fleet.ts";
import { type Run, TestProject } from "../lab/project.ts";
import { LabStack } from "../lab/stack.ts";

// A guest that was made by hand on a host of a testbed becomes a Domain of a YAML program, which moves it. The tests go on from one another.

const root = resolve(import.meta.dirname, "../..");
const stackName = "import-test";
const uuid = "5d3f0c1e-2f77-4c34-9d3c-9f9a3ad6d6a1";
const disk = "/export/testbed/old.qcow2";
let project: TestProject;
let stack: LabStack;

beforeAll(async () => {
  project = await TestProject.make();
  stack = new LabStack(project, stackName, {
    lab: { network: "10.91.43.0/24", bridge: "lab-import" },
    hosts: [{ name: "host1" }, { name: "host2" }],
    guests: [{ name: "vm1", memoryMiB: 128, diskGiB: 3, address: "none" }],
    placement: { vm1: "host1" },
  });
  await stack.init();
  await symlink(join(root, "plugin"), project.path("plugin"));
});

afterAll(async () => {
  await project.pulumi("destroy", "--cwd", "imported", "--stack", "try", "--yes");
  // Whatever a failed test left.
  await stack.destroy();
  await project.remove();
});

/** As a person would, with what this program never gives a guest: a sound card, a clock of its own, an address on the bus. */
const made = (network: string, extra = "") => `<domain type='qemu'>
  <name>old</name><uuid>${uuid}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type machine='pc-q35-7.2'>hvm</type></os><features><acpi/><apic/><vmport state='off'/></features>
  <clock offset='localtime'><timer name='rtc' tickpolicy='catchup'/></clock>
  <devices>
    <disk type='network' device='disk'><driver name='qemu' type='qcow2' cache='none'/>
      <source protocol='nfs' name='${disk}'><host name='10.91.43.10'/><identity user='root' group='root'/></source>
      <target dev='vda' bus='virtio'/></disk>
    ${network}
    <graphics type='vnc' port='5977' autoport='no' listen='127.0.0.1' passwd='it&apos;s'/>
    <sound model='ich9'/><memballoon model='virtio'/>${extra}
  </devices>
</domain>`;
const onBridge =
  "<interface type='bridge'><mac address='52:54:00:aa:00:01'/><source bridge='br0'/><model type='virtio'/></interface>";

const define = async (xml: string) => {
  await stack.on("host1", `virsh -q define /dev/stdin <<'XML'\n${xml}\nXML`);
};
const importGuest = (id = "fleet.yaml#old") =>
  project.pulumi(...["import", "kvmtestbed:index:Domain", "old", id, "--yes"], ...at);
const at = ["--cwd", "imported", "--stack", "try"];
const pid = (host: string) => stack.on(host, "cat /run/libvirt/qemu/old.pid");

async function run(...words: string[]): Promise<Run> {
  const done = await project.pulumi(...words);
  if (done.exitCode !== 0) throw new Error(`pulumi ${words.join(" ")} failed:\n${done.text}`);
  return done;
}

const program = (domain: object | undefined, to: string) => ({
  name: "imported",
  runtime: "yaml",
  plugins: { providers: [{ name: "kvmtestbed", path: "../plugin" }] },
  ...(domain && {
    resources: {
      old: { type: "kvmtestbed:Domain", properties: domain },
      where: {
        type: "kvmtestbed:Migration",
        properties: {
          ...{ guest: "old", uuid, to, options: { mode: "live" } },
          conditions: { memoryMiB: 64, accelerator: "tcg", nfsTransport: "userspace" },
          fleet: fleet(),
        },
      },
    },
  }),
});

function fleet() {
  const keys = project.path(".testbed", stackName);
  const ssh = (name: string, address: string) => ({
    ...{ name, address, port: 22, user: "root" },
    privateKeyFile: join(keys, "id_ed25519"),
    knownHostsFile: join(keys, "known_hosts"),
  });
  const host = (name: string, address: string) => ({ ssh: ssh(name, address), peerAddress: address });
  return {
    hosts: { host1: host("host1", "10.91.43.11"), host2: host("host2", "10.91.43.12") },
    storage: { ssh: ssh("storage", "10.91.43.10"), intentDirectory: intentDirectoryOf("/export/testbed") },
  };
}

const write = (file: string, value: unknown) => writeFile(project.path("imported", file), stringify(value));

test("a guest that could not be looked after is refused, with the reason", async () => {
  await stack.deploy();
  await stack.on("storage", `qemu-img create -q -f qcow2 ${disk} 16M`);
  await mkdir(project.path("imported"));
  await write("Pulumi.yaml", program(undefined, "host1"));
  await write("fleet.yaml", fleet());
  await run("stack", "init", "try", "--cwd", "imported");
  expect((await importGuest("old")).text).toContain("it is not <file>#<guest>");
  expect((await importGuest("nowhere.yaml#old")).text).toMatch(/nowhere\.yaml.*can't be read/);
  expect((await importGuest()).text).toContain("is on none of host1, host2");
  await define(made("<interface type='network'><source network='testbed'/></interface>"));
  expect((await importGuest()).text).toContain("has a first network card that is on no bridge");
});

let imported: { spec: { memoryMiB: number; definition: string } };

test("a running guest is imported as it is", async () => {
  await define(made(onBridge));
  await stack.on("host1", "virsh -q start old");
  const before = await pid("host1");
  const { text, exitCode } = await importGuest();
  expect(text).toContain("kvmtestbed:index:Domain");
  expect(exitCode).toBe(0);
  const state = JSON.parse(await project.ask("stack", "export", "--show-secrets", ...at));
  const resource = state.deployment.resources.find(
    ({ type }: { type: string }) => type === "kvmtestbed:index:Domain",
  );
  expect(resource).toMatchObject({
    id: uuid,
    inputs: {
      host: "host1",
      spec: {
        name: "old",
        memoryMiB: 64,
        mac: "52:54:00:aa:00:01",
        bridge: "br0",
        storage: { transport: "userspace", overlayPath: disk },
      },
    },
    outputs: { bootedOn: "host1", boots: 0, state: "running" },
  });
  expect(resource.inputs.vncPassword).toMatchObject({ plaintext: '"it\'s"' });
  expect(resource.inputs.spec.definition).not.toContain("it&apos;s");
  imported = { ...resource.inputs, vncPassword: "it's" };
  await write("Pulumi.yaml", program(imported, "host1"));
  expect((await run("up", ...at, "--yes")).text).toContain("2 unchanged");
  expect(await pid("host1")).toBe(before);
});

test("it moves like any other, and is the same machine there", async () => {
  await write("Pulumi.yaml", program(imported, "host2"));
  expect((await run("preview", ...at)).text).toContain("old: moves host1 → host2, live");
  await run("up", ...at, "--yes");
  expect(await stack.on("host1", "virsh -q list --all --name | grep -x old || echo gone")).toBe("gone");
  const xml = await stack.on("host2", "virsh dumpxml --inactive --security-info old");
  for (const own of [
    "<sound model='ich9'",
    "<clock offset='localtime'",
    "<vmport state='off'",
    "passwd='it&apos;s'",
  ])
    expect(xml).toContain(own);
});

test("its memory can be changed, with a restart and nothing else of it lost; what is in its definition cannot", async () => {
  await stack.on("host2", "virsh -q destroy old");
  imported.spec.memoryMiB = 96;
  await write("Pulumi.yaml", program(imported, "host2"));
  await run("up", ...at, "--yes");
  const xml = await stack.on("host2", "virsh dumpxml --inactive --security-info old");
  expect(xml).toContain(`<memory unit='KiB'>${96 * 1024}</memory>`);
  for (const own of ["<sound model='ich9'", "<clock offset='localtime'", "passwd='it&apos;s'"])
    expect(xml).toContain(own);
  await write("Pulumi.yaml", program({ ...imported, spec: { ...imported.spec, bridge: "br1" } }, "host2"));
  const { exitCode, text } = await project.pulumi("preview", ...at);
  expect(exitCode).not.toBe(0);
  expect(text).toContain("has a definition of its own, which says otherwise of bridge");
  await write("Pulumi.yaml", program(imported, "host2"));
});

test("destroy removes it and leaves its disk", async () => {
  await run("destroy", ...at, "--yes");
  expect(await stack.on("host2", "virsh -q list --all --name | grep -x old || echo gone")).toBe("gone");
  expect(await stack.on("storage", `ls ${disk}`)).toBe(disk);
});
