import { connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cancellation, listenForCancel } from "../../../provider/cancellation.ts";

const server = createServer((_, response) => response.end());
const call = async (path: string) => {
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = client.request({ ":method": "POST", ":path": path });
  await new Promise<void>((resolve) => stream.on("close", resolve).resume().end());
  client.close();
};

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());

test("an update is interrupted when the engine calls Cancel of its providers, and by no other call", async () => {
  listenForCancel();
  await call("/pulumirpc.ResourceProvider/Update");
  expect(cancellation.aborted).toBe(false);
  await call("/pulumirpc.ResourceProvider/Cancel");
  expect(cancellation.aborted).toBe(true);
  expect(cancellation.reason).toEqual(new Error("the update was interrupted"));
});
