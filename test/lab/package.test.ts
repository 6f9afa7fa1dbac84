import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

// The package as someone else installs it, in a Pulumi program of their own.

const project = resolve(import.meta.dirname, "../..");
let folder: string;
/** Where the example is, as someone would copy it. */
let example: string;

const manifest = (tarball: string) => ({
  name: "own-program",
  private: true,
  type: "module",
  main: "index.ts",
  dependencies: { "@pulumi/pulumi": "3.256.0", "kvm-migration-testbed": `file:${tarball}` },
});

const settings = `name: own-program
runtime:
  name: nodejs
  options:
    typescript: false
`;

// Nothing listens at port 1, and the refusal comes at once.
const program = `import { Domain, KvmHost, Migration, NfsPool, SshKey } from "kvm-migration-testbed";

const ssh = { name: "host1", address: "127.0.0.1", port: 1, user: "root" };
const fleet = {
  hosts: { host1: { ssh, peerAddress: "127.0.0.1" } },
  storage: { ssh: { ...ssh, name: "storage" }, intentDirectory: "/srv/.migrations" },
};
const domain = new Domain("guest", {
  spec: {
    name: "vm1",
    uuid: "1b7159b2-c702-5eb0-be68-43576be5849d",
    memoryMiB: 512,
    vcpus: 1,
    accelerator: "kvm",
    machine: "pc-q35-7.2",
    storage: {
      transport: "kernel",
      server: "127.0.0.1",
      overlayPath: "/srv/vm1.qcow2",
      basePath: "/srv/base.qcow2",
      baseFormat: "qcow2",
    },
    mac: "52:54:00:10:55:ef",
    bridge: "br0",
  },
  vncPassword: "hidden",
  host: "host1",
  fleet,
});
new Migration("move", {
  guest: "vm1",
  uuid: domain.id,
  to: "host1",
  options: { mode: "live" },
  conditions: { memoryMiB: 512, accelerator: "kvm", nfsTransport: "kernel" },
  fleet,
});
const key = new SshKey("key", { path: ".keys/id_ed25519" });
const machine = new KvmHost("machine", { address: "127.0.0.1", port: 1, privateKey: key.privateKey });
const storage = { name: "storage", address: "127.0.0.1", port: 1, privateKey: key.privateKey };
new NfsPool("pool", { storage, hosts: [machine] });

export const state = domain.state;
`;

const mistakes = `import {
  type AskedOptions,
  type Conditions,
  type DomainSpec,
  type Fleet,
  type FleetHost,
  type GuestOutput,
  type GuestPlatform,
  type GuestStorage,
  type HostOutput,
  type LocalOverlay,
  Migration,
  type MigrationArgs,
  type MigrationOutput,
  type MigrationRecord,
  type MoveSummary,
  type Plan,
  type PolicyOutput,
  type Slo,
  type SshTarget,
  type StackConfig,
  type StackInput,
  type TestbedConfig,
} from "kvm-migration-testbed";
declare const args: MigrationArgs;
// What a typed program names.
export interface Named {
  config: StackInput | StackConfig | TestbedConfig | Plan;
  outputs: HostOutput | GuestOutput | MigrationOutput | PolicyOutput | MoveSummary | MigrationRecord;
  guest: DomainSpec | GuestStorage | GuestPlatform | LocalOverlay;
  move: AskedOptions | Conditions | Slo | Fleet | FleetHost | SshTarget;
}
// @ts-expect-error no such mode
new Migration("a", { ...args, options: { mode: "teleport" } });
// @ts-expect-error a number is no host
new Migration("b", { ...args, to: 5 });
`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "testbed-package-"));
  await execa(process.execPath, ["bin/build-package.ts"], { cwd: project });
  const { stdout } = await execa("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: join(project, "build/package"),
  });
  await mkdir(join(folder, "state"));
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest(join(folder, stdout.trim()))));
  await writeFile(join(folder, "Pulumi.yaml"), settings);
  await writeFile(join(folder, "index.ts"), program);
  await writeFile(join(folder, "mistakes.ts"), mistakes);
  example = await mkdtemp(join(tmpdir(), "testbed-example-"));
  await cp(join(project, "examples/typescript"), example, { recursive: true });
  const own = JSON.parse(await readFile(join(example, "package.json"), "utf8"));
  own.dependencies["kvm-migration-testbed"] = `file:${join(folder, stdout.trim())}`;
  await writeFile(join(example, "package.json"), JSON.stringify(own));
  for (const cwd of [folder, example]) {
    const options = ["--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
    await execa("npm", ["install", ...options], { cwd });
    await pulumiIn(cwd, "stack", "init", "dev");
  }
});
afterAll(async () => {
  for (const each of [folder, example]) await rm(each, { recursive: true, force: true });
});

interface Step {
  op: string;
  newState: { type: string; inputs: Record<string, unknown> };
}

/** Pulumi on that program, with a state of its own. */
const pulumi = (...args: string[]) => pulumiIn(folder, ...args);

function pulumiIn(cwd: string, ...args: string[]) {
  return execa("sh", [join(project, "bin/pulumi"), "--cwd", cwd, "--non-interactive", ...args], {
    env: { PULUMI_BACKEND_URL: `file://${folder}/state`, PULUMI_CONFIG_PASSPHRASE: "" },
    all: true,
    reject: false,
  });
}

test("it brings all that it needs, once", () => {
  const installed = join(folder, "node_modules/kvm-migration-testbed");
  expect(existsSync(join(installed, "node_modules/@pulumi/libvirt/index.js"))).toBe(true);
  expect(existsSync(join(installed, "node_modules/@pulumi/pulumi"))).toBe(false);
});

test("its types are known to the program's compiler, and to the example's", async () => {
  const compiler = join(project, "node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2023"];
  for (const [cwd, ...files] of [
    [folder, "index.ts", "mistakes.ts"],
    [example, "index.ts"],
  ]) {
    const { exitCode, stdout } = await execa(process.execPath, [compiler, ...options, ...files], {
      cwd,
      reject: false,
    });
    expect(stdout).toBe("");
    expect(exitCode).toBe(0);
  }
});

test("the example's whole testbed comes from plain data, and what is wrong in that is told at once", async () => {
  const { stdout, stderr, exitCode } = await pulumiIn(example, "preview", "--stack", "dev", "--json");
  expect(exitCode, stdout + stderr).toBe(0);
  const { steps } = JSON.parse(stdout) as { steps: Step[] };
  const types = steps.map(({ newState }) => newState.type);
  expect(types).toEqual(
    expect.arrayContaining([
      "testbed:index:Testbed",
      "testbed:index:UbuntuGuest",
      "libvirt:index/volume:Volume",
    ]),
  );
  await pulumiIn(example, "config", "set", "host", "host3", "--stack", "dev");
  const wrong = await pulumiIn(example, "preview", "--stack", "dev");
  expect(wrong.exitCode).not.toBe(0);
  expect(wrong.all).toContain("The config of testbed testbed has a mistake; nothing was touched:");
  expect(wrong.all).toContain('placement.vm1: there is no host "host3"; hosts are host1 and host2');
  expect(wrong.all).not.toContain("    at ");
});

test("it brings the plugin for programs in other languages", async () => {
  await mkdir(join(example, "yaml"));
  const path = "../node_modules/kvm-migration-testbed/plugin";
  const settings = (await readFile(join(project, "examples/yaml/Pulumi.yaml"), "utf8")).replace(
    "../../plugin",
    path,
  );
  await writeFile(join(example, "yaml/Pulumi.yaml"), settings);
  await pulumiIn(join(example, "yaml"), "stack", "init", "yaml");
  const { stdout, stderr, exitCode } = await pulumiIn(
    join(example, "yaml"),
    "preview",
    "--stack",
    "yaml",
    "--json",
  );
  expect(exitCode, stdout + stderr).toBe(0);
  const { steps } = JSON.parse(stdout) as { steps: Step[] };
  expect(steps.map(({ newState }) => newState.type)).toEqual(
    expect.arrayContaining(["kvmtestbed:index:Testbed", "kvmtestbed:index:Migration"]),
  );
});

test("its program for images runs below node_modules", async () => {
  const image = join(folder, "no-image.qcow2");
  const program = join(folder, "node_modules/kvm-migration-testbed/images/cli.js");
  const { exitCode, stderr } = await execa(process.execPath, [program, image], { reject: false });
  expect(exitCode).toBe(1);
  expect(stderr).toContain(image);
  expect(stderr).not.toContain("    at ");
});

test("a preview of a program that uses it shows what would be made, from the scripts that it brings", async () => {
  const { stdout, stderr, exitCode } = await pulumi("preview", "--stack", "dev", "--json");
  expect(exitCode, stdout + stderr).toBe(0);
  const { steps } = JSON.parse(stdout) as { steps: Step[] };
  const created = steps.filter(({ op }) => op === "create").map(({ newState }) => newState);
  expect(created.map(({ type }) => type)).toEqual(
    expect.arrayContaining([
      "pulumi-nodejs:dynamic/testbed:Domain",
      "pulumi-nodejs:dynamic/testbed:Migration",
      "testbed:index:KvmHost",
      "pulumi:providers:libvirt",
    ]),
  );
  const scripts = created.flatMap(({ inputs }) => /^bash (\S+)/.exec(String(inputs?.create))?.[1] ?? []);
  expect(new Set(scripts)).toEqual(new Set(["node_modules/kvm-migration-testbed/hosts/reach.sh"]));
  for (const script of scripts) expect(existsSync(join(folder, script)), script).toBe(true);
  expect(stdout).not.toContain("hidden");
});

test("an update reaches the engine that is installed there", async () => {
  const domain = "urn:pulumi:dev::own-program::pulumi-nodejs:dynamic/testbed:Domain::guest";
  const { all, exitCode } = await pulumi(
    "up",
    "--stack",
    "dev",
    "--yes",
    "--skip-preview",
    "--target",
    domain,
  );
  expect(exitCode, all).not.toBe(0);
  expect(all).toContain("cannot be reached over SSH (root@127.0.0.1 port 1)");
  expect(all).not.toContain("hidden");
});
