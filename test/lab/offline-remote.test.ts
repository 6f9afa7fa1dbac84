import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { makeToolchain, Project, processesWith, type Toolchain, until } from "./offline-harness.ts";
import { type Sshd, startSshd } from "./offline-sshd.ts";

let toolchain: Toolchain;
let sshd: Sshd;
let project: Project | undefined;
/** A folder on the "host". */
let there: string;
beforeAll(async () => {
  [toolchain, sshd] = await Promise.all([makeToolchain(), startSshd()]);
});
beforeEach(() => {
  there = mkdtempSync(join(tmpdir(), "host-"));
});
afterEach(() => {
  project?.remove();
  rmSync(there, { recursive: true });
});
afterAll(async () => {
  await sshd.stop();
  toolchain.remove();
});

const connection = (extra: Record<string, unknown> = {}) => ({
  host: "127.0.0.1",
  port: sshd.port,
  privateKey: sshd.privateKey,
  hostKey: sshd.hostKey,
  ...extra,
});

/** A project whose program declares what `args.json` holds: remote commands and copies by their names. */
async function stackWith(args: Args): Promise<Project> {
  project = new Project(toolchain, {
    "args.json": JSON.stringify(args),
    "index.ts": `
import { readFileSync } from "node:fs";
import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
const { commands = {}, copies = {} } = JSON.parse(readFileSync("args.json", "utf8"));
export const stdout: Record<string, pulumi.Output<string>> = {};
for (const name of Object.keys(commands)) stdout[name] = new command.remote.Command(name, commands[name]).stdout;
for (const name of Object.keys(copies)) {
  const { file, folder, text, ...args } = copies[name];
  const source = file ? new pulumi.asset.FileAsset(file)
    : folder ? new pulumi.asset.FileArchive(folder) : new pulumi.asset.StringAsset(text);
  new command.remote.CopyToRemote(name, { ...args, source });
}
`,
  });
  await project.succeed(["stack", "init", "test"]);
  return project;
}

interface Args {
  commands?: Record<string, Record<string, unknown>>;
  copies?: Record<string, Record<string, unknown>>;
}
const setArgs = (stack: Project, args: Args) => stack.write("args.json", JSON.stringify(args));

test("a command runs on the host: created, updated, deleted; its key is secret in the state", async () => {
  const journal = join(there, "journal");
  const c = {
    connection: connection(),
    create: `echo created >> ${journal}; cat; echo "$GOOD_A"`,
    update: `echo updated >> ${journal}; echo again`,
    delete: `echo deleted >> ${journal}`,
    stdin: "in ",
    environment: { GOOD_A: "a b" },
    addPreviousOutputInEnv: false,
  };
  const stack = await stackWith({ commands: { c } });
  await stack.up();
  expect((await stack.outputs()).stdout).toEqual({ c: "in a b" });
  await stack.succeed(["up", "--yes", "--expect-no-changes"]);
  expect(await stack.succeed(["stack", "export"])).not.toContain("PRIVATE KEY");
  setArgs(stack, { commands: { c: { ...c, environment: { GOOD_A: "c" } } } });
  await stack.up();
  expect((await stack.outputs()).stdout).toEqual({ c: "again" });
  await stack.succeed(["destroy", "--yes", "--skip-preview"]);
  expect(readFileSync(journal, "utf8")).toBe("created\nupdated\ndeleted\n");
});

test("a host is reached through a proxy", async () => {
  const proxied = connection({ proxy: connection() });
  const stack = await stackWith({
    commands: { c: { connection: proxied, create: "echo $SSH_CLIENT | cut -d' ' -f1" } },
  });
  await stack.up();
  expect((await stack.outputs()).stdout).toEqual({ c: "127.0.0.1" });
});

test("a variable that the host refuses fails the command; previous output that it refuses is a warning", async () => {
  const stack = await stackWith({
    commands: { c: { connection: connection(), create: "true", environment: { BAD: "1" } } },
  });
  const refused = await stack.pulumi(["up", "--yes", "--skip-preview"]);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.all).toMatch(/Unable to set 'BAD'.*AcceptEnv/);

  setArgs(stack, { commands: { c: { connection: connection(), create: "echo out" } } });
  await stack.up();
  setArgs(stack, { commands: { c: { connection: connection(), create: "echo [$PULUMI_COMMAND_STDOUT]" } } });
  expect(await stack.up()).toContain("Unable to set 'PULUMI_COMMAND_STDOUT'");
  expect((await stack.outputs()).stdout).toEqual({ c: "[]" });
});

test("what goes wrong is said: the exit code and output, the signal, the key, the host key, the address", async () => {
  const quick = { dialErrorLimit: 1 };
  const create = "echo reason >&2; exit 9";
  const stack = await stackWith({
    commands: {
      code: { connection: connection(), create },
      signal: { connection: connection(), create: "kill -9 $$" },
      key: { connection: connection({ ...quick, privateKey: sshd.otherPrivateKey }), create },
      garbage: { connection: connection({ ...quick, privateKey: "no key" }), create },
      hostKey: {
        connection: connection({ ...quick, hostKey: `ssh-ed25519 ${Buffer.alloc(51).toString("base64")}` }),
        create,
      },
      address: { connection: connection({ ...quick, port: 1 }), create },
    },
  });
  const result = await stack.pulumi(["up", "--yes", "--skip-preview", "--continue-on-error"]);
  expect(result.exitCode).not.toBe(0);
  const errorOf = (name: string) =>
    result.all.split(`command:remote:Command (${name}):`)[1]?.split("\n\n")[0];
  expect(errorOf("code")).toContain(
    'Process exited with status 9: running "echo reason >&2; exit 9":\n    reason',
  );
  expect(errorOf("signal")).toContain("Process was ended by SIGKILL");
  expect(errorOf("key")).toMatch(
    /connecting to root@127.0.0.1:\d+: after 2 failed attempts: .*authentication/,
  );
  expect(errorOf("garbage")).toContain("connection.privateKey of 127.0.0.1: Unsupported key format");
  expect(errorOf("hostKey")).toMatch(/after 2 failed attempts: .*verification failed/);
  expect(errorOf("address")).toMatch(/127.0.0.1:1: after 2 failed attempts: .*ECONNREFUSED/);
});

test("a host that does not answer yet is tried again", async () => {
  // Hangs up on the first two, as a host that is starting does, and passes the others on to the server.
  let clients = 0;
  const late = createServer((client) => {
    if (++clients <= 2) return void client.destroy();
    const server = connect(sshd.port, "127.0.0.1");
    client.pipe(server).pipe(client);
    for (const socket of [client, server]) socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => late.listen(0, "127.0.0.1", resolve));
  const { port } = late.address() as AddressInfo;
  const stack = await stackWith({
    commands: { c: { connection: connection({ port }), create: "echo late" } },
  });
  try {
    expect(await stack.up()).toMatch(/Dial 1\/10 failed: retrying/);
    expect((await stack.outputs()).stdout).toEqual({ c: "late" });
    expect(clients).toBe(3);
  } finally {
    late.close();
  }
});

test("cancelling ends a command on the host", async () => {
  const started = join(there, "started");
  const marker = `603.0${process.pid}`;
  const create = `touch ${started}; sleep ${marker}`;
  const stack = await stackWith({ commands: { c: { connection: connection(), create } } });
  const running = stack.pulumi(["up", "--yes", "--skip-preview"]);
  await until(() => existsSync(started), "the command's start");
  running.kill("SIGINT");
  const result = await running;
  expect(result.failed).toBe(true);
  expect(result.all).toContain("cancelled: running");
  await expect.poll(() => processesWith(marker), { timeout: 30_000 }).toEqual([]);
});

test("files, texts and folders are copied, again when they change, and into folders that are not there yet", async () => {
  const stack = await stackWith({});
  mkdirSync(join(stack.dir, "folder/below"), { recursive: true });
  stack.write("file", "one");
  stack.write("folder/a", "a");
  stack.write("folder/below/b", "b");
  const to = (path: string) => ({ connection: connection(), remotePath: join(there, path) });
  const args: Args = {
    copies: {
      file: { ...to("deep/er/name"), file: "file" },
      into: { ...to("."), file: "file" }, // the destination is a folder
      text: { ...to("text"), text: "some text" },
      folder: { ...to("whole"), folder: "folder" },
      contents: { ...to("contents"), folder: "folder/" },
    },
  };
  setArgs(stack, args);
  await stack.up();
  const content = (path: string) => readFileSync(join(there, path), "utf8");
  expect(content("deep/er/name")).toBe("one");
  expect(content("file")).toBe("one");
  expect(content("text")).toBe("some text");
  expect(content("whole/folder/below/b")).toBe("b");
  expect(content("contents/a")).toBe("a");

  writeFileSync(join(there, "text"), "changed on the host");
  stack.write("file", "two");
  await stack.succeed(["up", "--yes", "--skip-preview"]);
  expect(content("deep/er/name")).toBe("two");
  expect(content("text")).toBe("changed on the host"); // its source did not change
  await stack.succeed(["destroy", "--yes", "--skip-preview"]);
  expect(content("deep/er/name")).toBe("two"); // copies stay
});

test("a copy that cannot be made says what and why", async () => {
  writeFileSync(join(there, "file"), "");
  chmodSync(there, 0o700);
  const to = (path: string) => ({ connection: connection(), remotePath: join(there, path) });
  const stack = await stackWith({
    copies: {
      text: { ...to("."), text: "x" },
      folder: { ...to("file"), folder: "." },
    },
  });
  const result = await stack.pulumi(["up", "--yes", "--skip-preview", "--continue-on-error"]);
  expect(result.exitCode).not.toBe(0);
  expect(result.all).toContain("is a folder on the host: a text needs a path to a file");
  expect(result.all).toContain("is there, and no folder");
});
