import { migrationModes } from "../../moves/modes.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { summaryOf } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

const observers = [
  { name: "hypervisor", ofMs: ({ record }: Move) => record.downtimeMs },
  { name: "client", ofMs: ({ record }: Move) => record.clientDowntimeMs },
  { name: "guest's clock", ofMs: ({ record }: Move) => record.guestDowntimeMs },
] as const;

/** The downtime as the hypervisor, a client and the guest's own clock have it. Undefined: nobody but the hypervisor looked. */
export function downtimesTable(dataset: Dataset): TableModel | undefined {
  const looked = countedMoves(dataset).filter(
    ({ record }) => record.clientDowntimeMs !== undefined || record.guestDowntimeMs !== undefined,
  );
  if (looked.length === 0) return undefined;
  return {
    id: "three-downtimes",
    title: "Three downtimes, ms",
    columns: [
      text("mode"),
      text("seen by"),
      figure("moves"),
      figure("median"),
      figure("least"),
      figure("most"),
    ],
    rows: migrationModes.flatMap((mode) =>
      observers.flatMap(({ name, ofMs }) => {
        const summary = summaryOf(
          looked.flatMap((move) => (move.record.mode === mode ? (ofMs(move) ?? []) : [])),
        );
        if (!summary) return [];
        const { count, median, least, most } = summary;
        return [[mode, name, number(count, String), number(median), number(least), number(most)]];
      }),
    ),
    notes: [
      "Over all guests of these files. Guests differ, so their common median has no interval. hypervisor: STOP to RESUME; client: the longest silence that another machine saw; guest's clock: what that missed.",
    ],
  };
}
