import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { credentials } from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

// The plugin as Pulumi starts it.

const plugin = resolve(import.meta.dirname, "../../../plugin/pulumi-resource-kvmtestbed");
let folder: string;
let engine: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "testbed-plugin-"));
  engine = createServer((socket) => socket.destroy());
  await new Promise<void>((listening) => engine.listen(0, "127.0.0.1", listening));
});
afterAll(async () => {
  engine.close();
  await rm(folder, { recursive: true });
});

test("it says its port, gives its schema, and ends with the engine that started it", async () => {
  const { port } = engine.address() as AddressInfo;
  const process = execa(plugin, [`127.0.0.1:${port}`], { cwd: folder, reject: false });
  const [own] = await process
    .iterable()
    [Symbol.asyncIterator]()
    .next()
    .then(({ value }) => [Number(value)]);
  const client = new provider.ResourceProviderClient(`127.0.0.1:${own}`, credentials.createInsecure());
  const schema = await new Promise<string>((answer, fail) =>
    client.getSchema(new messages.GetSchemaRequest(), (error, reply) =>
      error ? fail(error) : answer(reply.getSchema()),
    ),
  );
  expect(Object.keys(JSON.parse(schema).resources)).toEqual([
    "kvmtestbed:index:Testbed",
    "kvmtestbed:index:Domain",
    "kvmtestbed:index:Migration",
  ]);
  client.close();
  engine.close();
  expect(await process).toMatchObject({ exitCode: 0 });
});

test.each([
  ["main.ts", "v20.20.2", "Node 24 or newer is needed, and here is v20.20.2"],
  ["main.js", "v20.20.2", "Node 22 or newer is needed, and here is v20.20.2"],
])("with %s and Node %s it says what it needs", async (main, version, message) => {
  const own = join(folder, main);
  for (const each of ["bin", "plugin"]) await mkdir(join(own, each), { recursive: true });
  await copyFile(plugin, join(own, "plugin/pulumi-resource-kvmtestbed"));
  await writeFile(join(own, "plugin", main), "");
  await writeFile(join(own, "bin/node"), `#!/bin/sh\necho ${version}\n`);
  await chmod(join(own, "bin/node"), 0o755);
  const { exitCode, stderr } = await execa(join(own, "plugin/pulumi-resource-kvmtestbed"), ["127.0.0.1:1"], {
    env: { PATH: `${own}/bin:/usr/bin:/bin` },
    reject: false,
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr).toContain("npm run setup");
});
