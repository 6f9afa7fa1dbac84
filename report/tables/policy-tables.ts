import type { HostState } from "../../moves/decided-update.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { Dataset, PolicyUpdate } from "../data/dataset.ts";
import { figure, ms, number, percent, type TableCell, type TableModel, text } from "../text/table-model.ts";
import { powerTable } from "./power-table.ts";

/** What policies decided in experiments' updates, and what came of it: a row each, so that nothing hides in a mean. Empty: none did. */
export function policyTables(dataset: Dataset): TableModel[] {
  const updates = dataset.updates.filter(({ isWarmUp, isInterrupted }) => !isWarmUp && !isInterrupted);
  if (updates.length === 0) return [];
  const tables = [
    updatesTable(updates),
    hostsTable(updates),
    movesTable(dataset, updates),
    throughputTable(updates),
    awayTable(updates),
    powerTable(updates.flatMap(({ update }) => update.switched)),
  ];
  return tables.filter((table) => table !== undefined && table.rows.length > 0) as TableModel[];
}

/** Which update a row is of. */
const ofUpdate = [text("cell"), figure("repeat")];
const nameOf = ({ cell, repeat }: PolicyUpdate): TableCell[] => [cell, number(repeat, String)];

const whole = (value: number): string => `${Math.round(value)}`;
const two = (value: number): string => value.toFixed(2);

const updatesTable = (updates: readonly PolicyUpdate[]): TableModel => ({
  id: "policy-updates",
  title: "What was decided",
  columns: [
    ...ofUpdate,
    text("policy"),
    figure("moves"),
    figure("imbalance before"),
    figure("imbalance after, reckoned"),
    figure("update, ms"),
    figure("hosts on before"),
    figure("hosts on after"),
    figure("declared before, W"),
    figure("declared after, W"),
  ],
  rows: updates.map((line) => {
    const { policy, decided, imbalance, updateMs, hosts, watts } = line.update;
    const on = (when: "before" | "after") =>
      Object.values(hosts).filter((host) => host[when].state === "on").length;
    return [
      ...nameOf(line),
      policy,
      number(decided.length, String),
      number(imbalance.before, two),
      number(imbalance.after, two),
      number(updateMs),
      number(on("before"), String),
      number(on("after"), String),
      number(watts?.beforeW, whole),
      number(watts?.afterW, whole),
    ];
  }),
  notes: [
    "imbalance: weighted mean of the standard deviations of hosts' shares of memory, vCPUs and CPU, as the policy reckoned it. declared: of all hosts that are on, by what the experiment says of them and how busy they are; nothing is measured.",
  ],
});

const hostsTable = (updates: readonly PolicyUpdate[]): TableModel => ({
  id: "policy-hosts",
  title: "Hosts' load before and after",
  columns: [
    ...ofUpdate,
    text("host"),
    text("guests before"),
    text("guests after"),
    figure("CPUs it has"),
    figure("busy before"),
    figure("busy after, predicted"),
    figure("busy after"),
  ],
  rows: updates.flatMap((line) =>
    Object.entries(line.update.hosts).map(([name, { cpus, before, after, predictedCpu }]) => [
      ...nameOf(line),
      name,
      guestsText(before),
      guestsText(after),
      number(cpus, String),
      number(busyOf(before), two),
      number(cpus === undefined || predictedCpu === undefined ? undefined : cpus * predictedCpu, two),
      number(busyOf(after), two),
    ]),
  ),
  notes: [
    "busy: CPUs that the host and its guests kept busy, mean of the host's own samples, one a minute, of the time in which nothing moved. predicted: by the policy, which takes it that a guest will go on as it was: one that was held back by its host takes more where there is more.",
  ],
});

const guestsText = ({ state, guests }: HostState): string =>
  state === "on" ? guests.join(", ") || "none" : state;

/** Half of it that is not known leaves all of it unknown. */
const busyOf = ({ guestCpus, ownCpus }: HostState): number | undefined =>
  guestCpus === undefined || ownCpus === undefined ? undefined : guestCpus + ownCpus;

function movesTable({ moves }: Dataset, updates: readonly PolicyUpdate[]): TableModel {
  const recordOf = ({ file, order }: PolicyUpdate, guest: string): MigrationRecord | undefined =>
    moves.find((move) => move.file === file && move.order === order && move.record.guest === guest)?.record;
  return {
    id: "policy-moves",
    title: "Who moved, predicted and measured",
    columns: [
      ...ofUpdate,
      text("guest"),
      text("from"),
      text("to"),
      text("why"),
      figure("total predicted, ms"),
      figure("total, ms"),
      figure("downtime predicted, ms"),
      figure("downtime, ms"),
    ],
    rows: updates.flatMap((line) =>
      line.update.decided.map(({ guest, from, to, reason }) => {
        const record = recordOf(line, guest);
        return [
          ...nameOf(line),
          guest,
          from,
          to,
          reason,
          number(record?.predicted?.totalMs),
          number(record?.totalMs),
          number(record?.predicted?.downtimeMs),
          number(record?.downtimeMs),
        ];
      }),
    ),
    notes: ["A guest of a lost host does not move: it is started again, and has no figures here."],
  };
}

const throughputTable = (updates: readonly PolicyUpdate[]): TableModel => ({
  id: "policy-throughput",
  title: "What guests got done before and after, by their own count",
  columns: [
    ...ofUpdate,
    text("guest"),
    text("from"),
    text("to"),
    text("counted"),
    figure("a second before"),
    figure("a second after"),
    figure("after, of before"),
  ],
  rows: updates.flatMap((line) =>
    Object.entries(line.update.guests).flatMap(
      ([guest, { from, to, unit, beforePerSecond, afterPerSecond }]) =>
        unit === undefined
          ? []
          : [
              [
                ...nameOf(line),
                guest,
                from,
                to,
                unit,
                number(beforePerSecond, ms),
                number(afterPerSecond, ms),
                number(
                  beforePerSecond && afterPerSecond !== undefined
                    ? afterPerSecond / beforePerSecond
                    : undefined,
                  percent,
                ),
              ],
            ],
    ),
  ),
  notes: [
    "Means of the time before the update and of the time after it, in which nothing moved. Guests that idle count nothing.",
  ],
});

/** How long guests of lost hosts were away, from the moment in which their host's power was cut. */
const awayTable = (updates: readonly PolicyUpdate[]): TableModel => ({
  id: "policy-away",
  title: "Guests of lost hosts, from the power cut to their first answer",
  columns: [
    ...ofUpdate,
    text("guest"),
    text("from"),
    text("to"),
    text("proof"),
    figure("until looked for, ms"),
    figure("proof, ms"),
    figure("start, ms"),
    figure("first answer, ms"),
    figure("all of it, ms"),
  ],
  rows: updates.flatMap((line) => {
    const { lost, failovers } = line.update;
    if (lost === undefined) return [];
    return failovers.map(({ guest, from, to, proof, at, fencingMs, bootMs, firstAnswerMs }) => {
      const untilMs = Date.parse(at) - Date.parse(lost.at);
      const parts = [untilMs, fencingMs, bootMs, firstAnswerMs];
      const isWhole = parts.every((part) => part !== undefined);
      return [
        ...nameOf(line),
        guest,
        from,
        to,
        proof,
        ...parts.map((part) => number(part)),
        // A part that is not known makes no whole.
        number(isWhole ? parts.reduce<number>((sum, part) => sum + (part ?? 0), 0) : undefined),
      ];
    });
  }),
  notes: [
    "until looked for: from the power cut, with the time that the cut takes, to the look for a proof that the host can write to no disk. start: from the proof to the guest's QEMU. first answer: from there to its first login. The update was told at once; how long it takes until somebody finds out is not in it.",
  ],
});
