import { expect, test } from "vitest";
import type { FailureLine, RunHead } from "../../../../moves/experiment-run.ts";
import type { MigrationRecord } from "../../../../moves/record.ts";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { versionsTable } from "../../../../report/tables/versions-table.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { headFor } from "../../helpers/experiment-testbed.ts";
import { liveRecord } from "../../helpers/records.ts";

const old = { qemu: "10.0.2", libvirt: "9.0.0", kernel: "6.1.0" };
const young = { qemu: "10.0.13", libvirt: "11.3.0", kernel: "6.12.0" };
const [forth, back] = [
  { from: old, to: young },
  { from: young, to: old },
];
const shown = (dataset: Parameters<typeof versionsTable>[0]) =>
  versionsTable(dataset)?.rows.map((row) => row.map(shownOf));
const plain = (...records: MigrationRecord[]) =>
  datasetOf([{ file: "lab.jsonl", text: records.map((record) => JSON.stringify(record)).join("\n") }]);

test("moves between the same versions say nothing of versions", () => {
  expect(versionsTable(plain(liveRecord(), liveRecord({ guest: "vm2" })))).toBeUndefined();
  expect(versionsTable(plain())).toBeUndefined();
});

test("a stack's moves are told by mode, and by what is at both ends", () => {
  const at = (second: number) => `2026-03-01T12:00:0${second}.000Z`;
  const dataset = plain(
    liveRecord({ versions: forth, startedAt: at(1), totalMs: 1000 }),
    liveRecord({ versions: forth, startedAt: at(2), totalMs: 3000 }),
    liveRecord({ versions: back, startedAt: at(3), outcome: "failed", error: "QEMU said\n no" }),
    liveRecord({ versions: back, startedAt: at(4) }),
  );
  const [one, other] = ["QEMU 10.0.2, libvirt 9.0.0", "QEMU 10.0.13, libvirt 11.3.0"];
  expect(shown(dataset)).toEqual([
    ["live", one, other, "2", "moves", "2\u202f000", "80.5", "–"],
    ["live", other, one, "2", "1 of 2 move", "1\u202f500", "80.5", "QEMU said no"],
  ]);
  expect(reportOf(dataset).sections.find(({ id }) => id === "versions")?.tables).toHaveLength(1);
});

test("an experiment's refusals have the versions of the hosts between which the guest was to move", () => {
  const cells: RunHead["cells"] = [
    { id: "vm1/live forth", factors: { way: "live forth", mode: "live" } },
    { id: "vm1/live back", factors: { way: "live back", mode: "live", direction: "back" } },
  ];
  const head: RunHead = headFor(cells, 1);
  const host = { accelerator: "tcg", nfsTransport: "userspace", cpuModel: "EPYC", memoryMiB: 4096 } as const;
  head.conditions.hosts = { host1: { ...host, ...old }, host2: { ...host, ...young } };
  const place = { schema: 1, repeat: 1, block: 1 } as const;
  const move = { ...place, kind: "move", order: 1, cell: "vm1/live forth", loadBefore: {} };
  const failure: FailureLine = {
    ...place,
    kind: "failure",
    order: 2,
    cell: "vm1/live back",
    at: "2026-03-01T12:00:00.000Z",
    error: "machine type: host1 does not know it",
  };
  const lines = [head, { ...move, record: liveRecord({ versions: forth }) }, failure];
  const dataset = datasetOf([
    { file: "run.jsonl", text: lines.map((line) => JSON.stringify(line)).join("\n") },
  ]);
  expect(dataset.problems).toEqual([]);
  expect(shown(dataset)?.map(([way, from, , , verdict, , , why]) => [way, from, verdict, why])).toEqual([
    ["live", "QEMU 10.0.2, libvirt 9.0.0", "moves", "–"],
    ["live", "QEMU 10.0.13, libvirt 11.3.0", "refused", "machine type: host1 does not know it"],
  ]);
});
