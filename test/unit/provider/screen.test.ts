import { Server, ServerCredentials } from "@grpc/grpc-js";
import engine from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";

// With an engine as Pulumi's is: a gRPC server that is told lines.

const server = new Server();
let address: string;
let heard: { line: string; row: string; passes: boolean }[];
const printed: string[] = [];

beforeAll(async () => {
  const log = (call: { request: LogRequest }, done: (error: null, reply: unknown) => void) => {
    const { request } = call;
    heard.push({ line: request.getMessage(), row: request.getUrn(), passes: request.getEphemeral() });
    done(null, new empty.Empty());
  };
  const empty = (await import("google-protobuf/google/protobuf/empty_pb.js")).default;
  server.addService(engine.EngineService as never, { log } as never);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  address = `127.0.0.1:${port}`;
});
afterAll(() => server.forceShutdown());
beforeEach(() => {
  heard = [];
  printed.length = 0;
  vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Where the output goes is known from the start of the process. */
async function screen(terminal: boolean, ...engineAddress: [string?]) {
  vi.resetModules();
  vi.stubEnv("KVM_MIGRATION_TESTBED_TERMINAL", terminal ? "" : "no");
  const { screenOf } = await import("../../../provider/screen.ts");
  let nowMs = 1_000_000;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  const tell = screenOf("urn:of-vm1", ...engineAddress);
  const after = (ms: number) => {
    nowMs += ms;
  };
  return { tell, after };
}

test("what stays is printed, and what passes is shown in the row of its resource", async () => {
  const { tell } = await screen(true, address);
  tell("vm1: moving");
  tell("vm1: pass 1", true);
  await vi.waitFor(() => expect(heard).toHaveLength(1));
  expect(heard).toEqual([{ line: "vm1: pass 1", row: "urn:of-vm1", passes: true }]);
  expect(printed).toEqual(["vm1: moving"]);
});

test("where each line stays, progress begins after two seconds, and is told each ten", async () => {
  const { tell, after } = await screen(false, address);
  for (let second = 1; second <= 25; second++) {
    after(1_000);
    tell(`${second} s`, true);
  }
  await vi.waitFor(() => expect(heard).toHaveLength(3));
  expect(heard.map(({ line }) => line)).toEqual(["2 s", "12 s", "22 s"]);
});

test("in a plugin, whose output nobody sees, what stays is shown in the resource's row before its work ends", async () => {
  await screen(true);
  const { inRowOf, screenOf, tell } = await import("../../../provider/screen.ts");
  const { argv } = process;
  process.argv = ["node", "main.ts", "--logtostderr", address];
  try {
    await inRowOf("urn:of-vm2", async () => {
      tell("vm2: it is off; it will be started");
      screenOf(undefined)("vm2: pass 1", true);
      await Promise.resolve();
      screenOf("urn:of-vm1")("vm1: moving");
    });
  } finally {
    process.argv = argv;
  }
  expect(heard).toEqual([
    { line: "vm2: it is off; it will be started", row: "urn:of-vm2", passes: false },
    { line: "vm2: pass 1", row: "urn:of-vm2", passes: true },
    { line: "vm1: moving", row: "urn:of-vm1", passes: false },
  ]);
  expect(printed).toEqual([]);
});

test("without an engine progress is printed, and one that is gone disturbs nothing", async () => {
  const { argv } = process;
  process.argv = argv.slice(0, 2);
  try {
    (await screen(true)).tell("2 s", true);
  } finally {
    process.argv = argv;
  }
  expect(printed).toEqual(["2 s"]);
  const gone = (await screen(true, "127.0.0.1:1")).tell;
  expect(() => gone("4 s", true)).not.toThrow();
});
