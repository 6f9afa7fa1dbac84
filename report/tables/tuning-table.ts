import type { Dataset } from "../data/dataset.ts";
import type { Estimate } from "../data/statistics.ts";
import { type Tuned, type TunedMeasure, tunedGuests } from "../data/tuned.ts";
import { figure, number, type TableCell, type TableModel, text } from "../text/table-model.ts";

/** What was the best setting for each guest, and by how much. Undefined: no experiment here looks for one. */
export function bestSettingTable(dataset: Dataset): TableModel | undefined {
  const guests = tunedGuests(dataset);
  if (guests.length === 0) return undefined;
  return {
    id: "best-setting",
    title: "The best setting",
    columns: [
      text("guest"),
      text("of"),
      text("best"),
      figure("median, ms"),
      text("against"),
      figure("its median, ms"),
      figure("change"),
      figure("from"),
      figure("to"),
      figure("as others pick"),
    ],
    rows: guests.flatMap((guest) => guest.measures.map((measure) => bestRow(guest, measure))),
    notes: [
      "Change: of the geometric mean of quotients within blocks; less is better. From, to: its interval. All intervals of a guest's settings in one figure hold together with 95 % (Student's t of logarithms, Bonferroni), so that of the best one holds although it was picked. None is better: no setting's whole interval is below 0. A dash: it takes five blocks to tell.",
      "As others pick: what a move gains when its way is picked by the other blocks alone, which knew nothing of it. The change of the best is a little too good, since it was picked; this is not.",
      ...guests.flatMap(failedNote),
    ],
  };
}

function bestRow(guest: Tuned, { name, best, medians, compared, pickedRatio }: TunedMeasure): TableCell[] {
  const { against } = guest;
  return [
    labelOf(guest),
    name,
    best ? { shown: best.way, tone: "good" } : compared.length > 0 ? "none is better" : undefined,
    number(best && medians.get(best.way)),
    against,
    number(medians.get(against)),
    ...changeCells(best?.ratio),
    number(pickedRatio, change),
  ];
}

/** All settings of each guest against the plain one. Undefined: no experiment here looks for the best. */
export function settingsTable(dataset: Dataset): TableModel | undefined {
  const rows = tunedGuests(dataset).flatMap((guest) =>
    guest.measures.flatMap(({ name, compared, medians }) =>
      compared.map(({ way, blocks, ratio }): TableCell[] => [
        labelOf(guest),
        name,
        way,
        number(medians.get(way)),
        ...changeCells(ratio),
        number(blocks, String),
      ]),
    ),
  );
  if (rows.length === 0) return undefined;
  return {
    id: "settings",
    title: "Each setting against the plain one",
    columns: [
      text("guest"),
      text("of"),
      text("setting"),
      figure("median, ms"),
      figure("change"),
      figure("from"),
      figure("to"),
      figure("blocks"),
    ],
    rows,
    notes: ["The intervals are those of the table before: all of one figure hold together with 95 %."],
  };
}

const labelOf = ({ guest, linkMiBps }: Tuned): string =>
  linkMiBps === undefined ? guest : `${guest}, link ${linkMiBps} MiB/s`;

const changeCells = (ratio: Estimate | undefined): TableCell[] =>
  [ratio?.value, ratio?.low, ratio?.high].map((value) => number(value, change));

/** "−28 %" of 0.72. */
function change(ratio: number): string {
  const percent = (ratio - 1) * 100;
  const shown = Math.abs(percent).toFixed(Math.abs(percent) < 9.95 ? 1 : 0);
  return `${percent < 0 ? "−" : "+"}${shown} %`;
}

function failedNote(guest: Tuned): string[] {
  const { failed, against } = guest;
  if (failed.length === 0) return [];
  const said = failed.map((one) => `${one.way} (${one.failed} of ${one.made})`).join(", ");
  const isPlain = failed.some(({ way }) => way === against);
  return [
    `${labelOf(guest)}: not completed were moves of ${said}. A setting that fails is none to take, and is left out${isPlain ? `; of ${against} those that were completed count` : ""}.`,
  ];
}
