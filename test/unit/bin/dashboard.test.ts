import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { KeeperMetrics } from "../../../bin/keeper-metrics.ts";
import { metricsText } from "../../../moves/metrics.ts";
import { liveRecord } from "../helpers/records.ts";

test("the dashboard, and its page in the docs, ask for metrics that there are", async () => {
  const said = (await metricsText("lab", [liveRecord()])) + (await new KeeperMetrics("lab").text());
  const known = new Set([...said.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const page = await readFile("docs/metrics.md", "utf8");
  for (const text of [await readFile("examples/grafana/migrations.json", "utf8"), page]) {
    const asked = [...text.matchAll(/kvm_(?:migration|keeper)_\w+/g)].map(([name]) =>
      name.replace(/_bucket$/, ""),
    );
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  }
  expect(
    [...known].filter((name) => !page.includes(name?.replace("last_downtime", "last_duration") ?? "")),
  ).toEqual([]);
});
