import { describe, expect, it } from "vitest";
import type { DecidedUpdate } from "../../../../moves/decided-update.ts";
import { datasetOf } from "../../../../report/data/dataset.ts";
import { movesRows } from "../../../../report/export/moves-csv.ts";
import { reportOf } from "../../../../report/sections/report.ts";
import { policyTables } from "../../../../report/tables/policy-tables.ts";
import { shownOf } from "../../../../report/text/table-model.ts";
import { headFor } from "../../helpers/experiment-testbed.ts";
import { liveRecord } from "../../helpers/records.ts";

const place = { schema: 1, cell: "balance/live", repeat: 1, block: 1, order: 1 };
const update: DecidedUpdate = {
  at: "2026-03-01T12:00:00.000Z",
  updateMs: 40_000,
  seconds: { before: 300, after: 300 },
  policy: "balance",
  imbalance: { before: 0.3, after: 0.1 },
  decided: [{ guest: "vm1", from: "host1", to: "host2", reason: "evens out hosts" }],
  left: [],
  hosts: {
    host1: {
      cpus: 0.6,
      before: { state: "on", guests: ["vm1", "vm2"], guestCpus: 0.5, ownCpus: 0.05 },
      after: { state: "on", guests: ["vm2"], guestCpus: 0.4, ownCpus: 0.05 },
      predictedCpu: 0.5,
    },
    host2: {
      before: { state: "on", guests: [], guestCpus: 0 },
      after: { state: "off", guests: [] },
    },
  },
  guests: {
    vm1: { from: "host1", to: "host2", unit: "rounds", beforePerSecond: 100, afterPerSecond: 150 },
    vm2: { from: "host1", to: "host1" },
  },
  watts: { from: "declared", beforeW: 200, afterW: 100 },
  lost: { host: "host3", at: "2026-03-01T12:00:00.000Z" },
  failovers: [
    {
      ...{
        schema: 1,
        guest: "vm3",
        from: "host3",
        to: "host1",
        proof: "power",
        at: "2026-03-01T12:00:07.000Z",
      },
      ...{ fencingMs: 500, bootMs: 800, firstAnswerMs: 20_000 },
    },
  ],
  switched: [],
};
const move = {
  ...place,
  kind: "move",
  loadBefore: {},
  record: liveRecord({
    ...{ guest: "vm1", from: "host1", to: "host2" },
    predicted: { totalMs: 2000, downtimeMs: 90, passes: 3, converges: true },
  }),
};

const datasetFrom = (...lines: object[]) =>
  datasetOf([
    {
      file: "a.jsonl",
      text: [headFor([{ id: "balance/live", factors: {} }], 1), ...lines]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    },
  ]);
const rowsOf = (dataset: ReturnType<typeof datasetOf>) =>
  Object.fromEntries(
    policyTables(dataset).map(({ id, rows }) => [id, rows.map((row) => row.map(shownOf).join(" | "))]),
  );

describe("the tables of what policies did", () => {
  const dataset = datasetFrom({ ...place, kind: "update", update }, move);

  it("have what was decided and predicted, and what came of it; what is not known is absent", () => {
    expect(dataset.problems).toEqual([]);
    expect(rowsOf(dataset)).toMatchObject({
      "policy-updates": ["balance/live | 1 | balance | 1 | 0.30 | 0.10 | 40\u202f000 | 2 | 1 | 200 | 100"],
      "policy-hosts": [
        "balance/live | 1 | host1 | vm1, vm2 | vm2 | 0.6 | 0.55 | 0.30 | 0.45",
        "balance/live | 1 | host2 | none | off | – | – | – | –",
      ],
      "policy-moves": [
        "balance/live | 1 | vm1 | host1 | host2 | evens out hosts | 2\u202f000 | 1\u202f500 | 90.0 | 80.5",
      ],
      "policy-throughput": ["balance/live | 1 | vm1 | host1 | host2 | rounds | 100 | 150 | 150 %"],
      "policy-away": [
        "balance/live | 1 | vm3 | host3 | host1 | power | 7\u202f000 | 500 | 800 | 20\u202f000 | 28\u202f300",
      ],
    });
  });

  it("are a section of the report, which others do not have", () => {
    const ids = (one: typeof dataset) => reportOf(one).sections.map(({ id }) => id);
    expect(ids(dataset)).toContain("policies");
    expect(ids(datasetFrom(move))).not.toContain("policies");
  });

  it("are beside the moves, which CSV has alone", () => expect(movesRows(dataset)).toHaveLength(1));

  it("leave out updates in which the run was interrupted", () =>
    expect(rowsOf(datasetFrom({ ...place, kind: "update", isInterrupted: true, update }))).toEqual({}));
});
