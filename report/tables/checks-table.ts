import { mean, sampleStandardDeviation } from "simple-statistics";
import { migrationModes } from "../../moves/modes.ts";
import { type MigrationRecord, pathOf } from "../../moves/record.ts";
import { countedMoves, type Dataset } from "../data/dataset.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

type Value = (record: MigrationRecord) => number | undefined;

const less = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a - b;

/** What one instrument says less what another does. Nothing in the records makes them agree. */
const checks: readonly { name: string; of: Value }[] = [
  {
    name: "QEMU's own total − (TI + DM + VS)",
    of: ({ hypervisorTotalMs, equations, ...record }) =>
      equations?.dmMs === undefined || pathOf(record) !== "precopy"
        ? undefined
        : less(hypervisorTotalMs, equations.tiMs + equations.dmMs + equations.vsMs),
  },
  {
    name: "guest's clock − downtime",
    of: ({ guestDowntimeMs, downtimeMs }) => less(guestDowntimeMs, downtimeMs),
  },
  { name: "unanswered − downtime", of: ({ client, downtimeMs }) => less(client?.unansweredMs, downtimeMs) },
  {
    name: "libvirt's downtime − downtime",
    of: ({ hypervisorDowntimeMs, downtimeMs }) => less(hypervisorDowntimeMs, downtimeMs),
  },
  {
    name: "client's silence − downtime",
    of: ({ clientDowntimeMs, downtimeMs }) => less(clientDowntimeMs, downtimeMs),
  },
];

const tenths = (ms: number): string => ms.toFixed(1).replace("-", "−");

/** Where instruments can disagree, how far they do. Undefined: no move has two of them. */
export function checksTable(dataset: Dataset): TableModel | undefined {
  const counted = countedMoves(dataset);
  const rows = migrationModes.flatMap((mode) => {
    const records = counted.flatMap(({ record }) => (record.mode === mode ? record : []));
    return checks.flatMap(({ name, of }) => {
      const differences = records.map(of).filter((value) => value !== undefined);
      if (differences.length < 2) return [];
      const [middle, spread] = [mean(differences), sampleStandardDeviation(differences)];
      return [
        [
          name,
          mode,
          number(differences.length, String),
          number(middle, tenths),
          number(spread, tenths),
          number(middle - 1.96 * spread, tenths),
          number(middle + 1.96 * spread, tenths),
        ],
      ];
    });
  });
  if (rows.length === 0) return undefined;
  return {
    id: "checks",
    title: "Checks: one instrument less another, ms",
    columns: [
      text("what"),
      text("mode"),
      figure("moves"),
      figure("mean"),
      figure("SD"),
      figure("from"),
      figure("to"),
    ],
    rows,
    notes: [
      "TMT = TI + OV and TDT = DM + VS hold by construction: OV is what is left of the total, and both parts of the downtime are cut out of it. These differences are of figures that were measured apart. from, to: limits of agreement, within which 95 % of normal differences are (Bland and Altman).",
    ],
  };
}
