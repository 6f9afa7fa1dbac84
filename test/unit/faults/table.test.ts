import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cases, type FaultCase } from "../../faults/cases.ts";
import { type HostCase, hostCaseName, hostCases, hosts } from "../../faults/host-cases.ts";
import { caseName } from "../../faults/selection.ts";
import { FaultTable, moves } from "../../faults/table.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "faults-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("what was seen of moves and of hosts is in one file, and in a table each, in the order of the cases", async () => {
  const file = join(folder, "seen.jsonl");
  const [first, second] = cases as [FaultCase, FaultCase];
  const ofMoves = await FaultTable.open(moves, file);
  await ofMoves.add(second, { struckUp: "failed", outcomes: ["rolled-back", "completed"], memory: "kept" });
  const later = await FaultTable.open(moves, file, { commit: "0ddba11" });
  await later.add(first, { struckUp: "was killed", outcomes: [], memory: "lost" });
  const [host] = hostCases as [HostCase];
  const ofHosts = await FaultTable.open(hosts, file);
  await ofHosts.add(host, { struckUp: "succeeded", memory: "kept" });
  expect(ofHosts.names).toEqual(new Set([caseName(second), caseName(first), hostCaseName(host)]));
  expect((await readFile(join(folder, "seen.md"), "utf8")).split("\n")).toEqual([
    "| overlay | mode | at its | fault | the struck `up` | records | memory | commit |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    "| shared | live | start | Pulumi's CLI killed | was killed | none | lost | 0ddba11 |",
    "| shared | live | start | the provider's process killed | failed | rolled-back, completed | kept |  |",
    "",
  ]);
  expect((await readFile(join(folder, "seen.hosts.md"), "utf8")).split("\n")[2]).toBe(
    "| a host is switched off | it is noted | Pulumi's CLI killed | succeeded | kept |  |",
  );
});
