import type { PowerRecord, Watts } from "../../moves/power-record.ts";
import { figure, ms, number, type TableModel, text } from "../text/table-model.ts";

/** Hosts that were switched off and on, and what that cost and gave. Undefined: none was. */
export function powerTable(records: readonly PowerRecord[]): TableModel | undefined {
  if (records.length === 0) return undefined;
  return {
    id: "power",
    title: "Hosts that were switched off and on",
    columns: [
      text("when"),
      text("host"),
      text("switched"),
      figure("took, ms"),
      text("why"),
      figure("moves"),
      figure("their downtimes, ms"),
      figure("declared before, W"),
      figure("declared after, W"),
      figure("CPU packages before, W"),
      figure("BMC, W"),
    ],
    rows: records.map(({ at, host, did, tookMs, reason, moves, watts }) => {
      const downtimes = (moves ?? []).flatMap(({ downtimeMs }) => downtimeMs ?? []);
      const isWhole = moves !== undefined && downtimes.length === moves.length;
      const declared = ofKind(watts, "declared");
      const bmc = ofKind(watts, "bmc");
      return [
        at.slice(0, 19).replace("T", " "),
        host,
        did,
        number(tookMs),
        reason,
        number(moves?.length, String),
        number(isWhole ? downtimes.reduce((sum, value) => sum + value, 0) : undefined, ms),
        number(declared?.beforeW, whole),
        number(declared?.afterW, whole),
        number(ofKind(watts, "rapl")?.beforeW, whole),
        number(bmc && ("beforeW" in bmc ? bmc.beforeW : bmc.afterW), whole),
      ];
    }),
    notes: [
      "moves: those that emptied the host. declared: of all hosts that are on, by what the stack says of them and how busy they are; nothing is measured.",
      "CPU packages: of this host alone right before it went off, by its own counters (RAPL): a part of what it draws, and of no other kind.",
      "BMC: of this host alone and whole, as its meter says: right before it went off with no guest on it, or once it was switched on and answered.",
    ],
  };
}

const ofKind = <Kind extends Watts["from"]>(watts: readonly Watts[], kind: Kind) =>
  watts.find((each): each is Extract<Watts, { from: Kind }> => each.from === kind);

const whole = (watts: number): string => `${Math.round(watts)}`;
