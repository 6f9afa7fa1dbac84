import type { FailoverRecord } from "../../moves/failover-record.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** Guests of lost hosts that were started elsewhere, and how long each was away. Undefined: none was. */
export function failoverTable(records: readonly FailoverRecord[]): TableModel | undefined {
  if (records.length === 0) return undefined;
  return {
    id: "failovers",
    title: "Guests of lost hosts, started elsewhere",
    columns: [
      text("when"),
      text("guest"),
      text("from"),
      text("to"),
      text("proof"),
      figure("proof, ms"),
      figure("start, ms"),
      figure("first answer, ms"),
      figure("all of it, ms"),
    ],
    rows: records.map(({ at, guest, from, to, proof, fencingMs, bootMs, firstAnswerMs }) => [
      at.slice(0, 19).replace("T", " "),
      guest,
      from,
      to,
      proof,
      number(fencingMs),
      number(bootMs),
      number(firstAnswerMs),
      // A part that is not known makes no whole.
      number(
        bootMs === undefined || firstAnswerMs === undefined ? undefined : fencingMs + bootMs + firstAnswerMs,
      ),
    ]),
    notes: [
      "proof: from the look for a proof that the host can write to no disk, to it. start: from there to the guest's QEMU. first answer: from there to its first login. How long the host was gone before anybody looked is not in it.",
    ],
  };
}
