import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { KeeperMetrics } from "../../../bin/keeper-metrics.ts";
import { listenAddress, serveMetrics } from "../../../bin/metrics-server.ts";

test.each([
  ["9477", { host: "127.0.0.1", port: 9477 }],
  ["0.0.0.0:80", { host: "0.0.0.0", port: 80 }],
  ["host.test:1", { host: "host.test", port: 1 }],
  ["[::1]:9477", { host: "::1", port: 9477 }],
  ["::1:9477", undefined],
  ["65536", undefined],
  ["host", undefined],
])("%s is where Prometheus may ask: %j", (text, address) => {
  expect(listenAddress(text)).toEqual(address);
});

test("Prometheus is answered with what is so then, and told what went wrong", async () => {
  const keeper = new KeeperMetrics("lab");
  let text = () => keeper.text();
  const server = await serveMetrics({ host: "127.0.0.1", port: 0 }, () => text());
  try {
    const { port } = server.address() as AddressInfo;
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    keeper.looked({ host1: 2 });
    keeper.looked();
    keeper.updated("drain", true);
    keeper.looked({});
    const answer = await ask("/metrics");
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const body = await answer.text();
    expect(body).toContain('kvm_keeper_looks_total{outcome="done",stack="lab"} 2');
    expect(body).toContain('kvm_keeper_looks_total{outcome="failed",stack="lab"} 1');
    expect(body).toContain('kvm_keeper_updates_total{for="drain",outcome="done",stack="lab"} 1');
    // It answered again since.
    expect(body).not.toContain('host="host1"');
    expect((await ask("/")).status).toBe(404);
    text = () => Promise.reject(new Error("results/lab.jsonl cannot be read"));
    const failed = await ask("/metrics");
    expect([failed.status, await failed.text()]).toEqual([500, "results/lab.jsonl cannot be read\n"]);
    await expect(serveMetrics({ host: "127.0.0.1", port }, text)).rejects.toThrow(
      `metrics cannot be served on 127.0.0.1 port ${port}: `,
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
