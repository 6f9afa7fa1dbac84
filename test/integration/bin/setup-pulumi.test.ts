// bin/pulumi, with a CLI that tells how it was called.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, type Options } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = join(import.meta.dirname, "../../../bin/pulumi");
let parent: string;
let project: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "bin-"));
  project = join(parent, "a b#c"); // nothing that a URL takes as it is
  for (const folder of ["bin", "node_modules/.bin", "node_modules/pulumi", ".testbed/backend"])
    mkdirSync(join(project, folder), { recursive: true });
  copyFileSync(script, join(project, "bin/pulumi"));
  writeFileSync(
    join(project, "node_modules/pulumi/package.json"),
    JSON.stringify({ version: "1.2.3" }, null, 2),
  );
  cli(join(project, "node_modules/.bin/pulumi"), "launcher");
});
afterEach(() => rmSync(parent, { recursive: true }));

function cli(path: string, name: string): void {
  const told = ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"]
    .map((variable) => `printf '%s\\n' "${variable}=\${${variable}-unset}"`)
    .join("\n");
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' ${name} "$@"\n${told}\nexit 7\n`);
  chmodSync(path, 0o755);
}

function isAlive(pid = 0): boolean {
  return existsSync(`/proc/${pid}`);
}

async function run(args: readonly string[], env: Record<string, string> = {}, options: Options = {}) {
  const result = await execa("sh", [join(project, "bin/pulumi"), ...args], {
    ...options,
    env: { PATH: process.env.PATH, HOME: parent, ...env },
    extendEnv: false,
    reject: false,
    lines: true,
  });
  return {
    lines: result.stdout as unknown as string[],
    exitCode: result.exitCode,
    error: String(result.stderr),
  };
}

test("arguments and exit code pass through, from any folder; state and passphrase are the project's", async () => {
  const { lines, exitCode } = await run(["stack", "--stack", "my stack"], {}, { cwd: "/" });
  expect(exitCode).toBe(7);
  expect(lines).toEqual([
    ...["launcher", "--cwd", project, "stack", "--stack", "my stack"],
    `PULUMI_BACKEND_URL=file://${parent}/a%20b%23c/.testbed/backend`,
    "PULUMI_CONFIG_PASSPHRASE=unset",
    `PULUMI_CONFIG_PASSPHRASE_FILE=${project}/.testbed/passphrase`,
  ]);
});

test("an update shows neither all outputs nor a spinner's dots, unless they are asked for; other commands are left alone", async () => {
  const given = async (...args: string[]) =>
    (await run(args)).lines.slice(3).filter((line) => !line.startsWith("PULUMI_"));
  const less = ["--suppress-outputs", "--suppress-progress"];
  expect(await given("up", "--yes")).toEqual(["up", "--yes", ...less]);
  expect(await given("preview")).toEqual(["preview", ...less]);
  expect(await given("up", "--suppress-outputs=false", "--suppress-progress=false")).toEqual([
    "up",
    "--suppress-outputs=false",
    "--suppress-progress=false",
  ]);
  expect(await given("preview", "--json")).toEqual(["preview", "--json", "--suppress-progress"]);
  expect(await given("config", "set", "key", "up")).toEqual(["config", "set", "key", "up"]);
});

test("a backend and a passphrase of one's own come first, an empty passphrase too", async () => {
  const own = { PULUMI_BACKEND_URL: "s3://bucket", PULUMI_CONFIG_PASSPHRASE: "" };
  expect((await run([], own)).lines).toEqual(
    expect.arrayContaining([
      "PULUMI_BACKEND_URL=s3://bucket",
      "PULUMI_CONFIG_PASSPHRASE=",
      "PULUMI_CONFIG_PASSPHRASE_FILE=unset",
    ]),
  );
});

test("the CLI itself is run where it is there, as the launcher would keep signals from it", async () => {
  const home = join(parent, "home");
  mkdirSync(join(home, "versions/1.2.3/bin"), { recursive: true });
  cli(join(home, "versions/1.2.3/bin/pulumi"), "cli");
  expect((await run([], { PULUMI_HOME: home })).lines[0]).toBe("cli");
});

test("a CLI that was made here is run in its own home, which no other project uses, with the user's own login", async () => {
  const made = join(project, ".testbed/.pulumi");
  const bin = join(made, "versions/1.2.3/bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(
    join(bin, "pulumi"),
    '#!/bin/sh\necho "$PULUMI_HOME"\necho "$PULUMI_CREDENTIALS_PATH"\nwhich pulumi\n',
  );
  chmodSync(join(bin, "pulumi"), 0o755);
  const lines = async (env = {}) => (await run(["up"], env)).lines;
  expect(await lines()).toEqual([made, join(parent, ".pulumi"), join(bin, "pulumi")]);
  expect((await lines({ PULUMI_HOME: "/theirs" })).slice(0, 2)).toEqual([made, "/theirs"]);
  expect((await lines({ PULUMI_CREDENTIALS_PATH: "/login" }))[1]).toBe("/login");

  // Of another version of the project: not of use any more.
  writeFileSync(
    join(project, "node_modules/pulumi/package.json"),
    JSON.stringify({ version: "1.2.4" }, null, 2),
  );
  expect((await lines())[0]).toBe("launcher");
});

test("a program elsewhere that uses the project's packages uses the CLI that was made beside them", async () => {
  const bin = join(project, ".testbed/.pulumi/versions/1.2.3/bin");
  mkdirSync(bin, { recursive: true });
  cli(join(bin, "pulumi"), "made");
  const elsewhere = join(parent, "elsewhere");
  mkdirSync(join(elsewhere, ".testbed/backend"), { recursive: true });
  for (const name of ["bin", "node_modules"]) symlinkSync(join(project, name), join(elsewhere, name));
  const { stdout } = await execa("sh", [join(elsewhere, "bin/pulumi")], {
    env: { PATH: process.env.PATH, HOME: parent },
    extendEnv: false,
    reject: false,
  });
  expect(stdout).toMatch(/^made\n/);
});

test("a Terraform plugin that an earlier run left behind is ended, that of a run under way or of another project is not", async () => {
  const plugin = join(parent, "terraform-provider-libvirt_v0.8.3");
  copyFileSync("/bin/sleep", plugin);
  const start = (of: string, cli: number) =>
    execa(plugin, ["60"], {
      env: { KVM_MIGRATION_TESTBED: of, KVM_MIGRATION_TESTBED_CLI: String(cli) },
      reject: false,
    });
  const gone = await execa("sh", ["-c", "echo $$"]);
  const left = start(project, Number(gone.stdout));
  const others = start(parent, Number(gone.stdout));
  const used = start(project, process.pid);

  await run(["preview"]);
  expect((await left).signal).toBe("SIGTERM");
  for (const { pid } of [others, used]) {
    expect(isAlive(pid)).toBe(true);
    process.kill(Number(pid), "SIGKILL");
  }
});

test("a Terraform plugin that a run leaves behind ends with the run, even when it is killed", async () => {
  const plugin = join(parent, "terraform-provider-libvirt_v0.8.3");
  copyFileSync("/bin/sleep", plugin);
  const launcher = join(project, "node_modules/.bin/pulumi");
  for (const end of ["exit", "kill -9 $$"]) {
    writeFileSync(launcher, `#!/bin/sh\n${plugin} 60 >/dev/null 2>&1 &\necho $!\n${end}\n`);
    const { lines } = await run(["destroy"]);
    const [plugged] = lines.map(Number);
    expect(plugged).toBeGreaterThan(0);
    await expect.poll(() => isAlive(plugged), { timeout: 10_000 }).toBe(false);
  }
});

test("before the setup it says so", async () => {
  rmSync(join(project, ".testbed"), { recursive: true });
  const { exitCode, error } = await run(["up"]);
  expect(exitCode).toBe(1);
  expect(error).toContain("npm run setup");
});
