import type { Sampled } from "../../moves/sampled.ts";
import { countedMoves, type Dataset, type Move } from "../data/dataset.ts";
import { groupsOf } from "../data/groups.ts";
import { summaryOf } from "../data/statistics.ts";
import { figure, number, type TableModel, text } from "../text/table-model.ts";

/** What moves did to guests' work, and took from their hosts. Undefined: none was sampled. */
export function sampledTable(dataset: Dataset): TableModel | undefined {
  const sampled = countedMoves(dataset).filter(({ record }) => record.sampled !== undefined);
  if (sampled.length === 0) return undefined;
  const median = (moves: readonly Move[], of: (sampled: Sampled) => number | undefined) =>
    number(summaryOf(moves.flatMap(({ record }) => (record.sampled && of(record.sampled)) ?? []))?.median);
  const isAsked = sampled.some(({ record }) => record.sampled?.latency !== undefined);
  return {
    id: "sampled",
    title: "What guests and hosts went through, medians",
    columns: [
      text("cell"),
      figure("moves"),
      figure("brown-out, ms"),
      figure("work lost, ms"),
      figure("not over"),
      figure("CPU of QEMU: source, ms"),
      figure("destination, ms"),
      figure("sent, MiB"),
      ...(isAsked
        ? [figure("answers before: p99, ms"), figure("through it: p99, ms"), figure("unanswered")]
        : []),
    ],
    rows: groupsOf(sampled).map(({ label, moves }) => [
      label,
      number(moves.length, String),
      median(moves, ({ work }) => work?.brownOutMs),
      median(moves, ({ work }) => work?.lostMs),
      number(moves.filter(({ record }) => record.sampled?.work?.isBack === false).length, String),
      median(moves, ({ qemuCpuMs }) => qemuCpuMs?.source),
      median(moves, ({ qemuCpuMs }) => qemuCpuMs?.destination),
      median(moves, ({ sentMiB }) => sentMiB),
      ...(isAsked
        ? [
            median(moves, ({ latency }) => latency?.before?.p99Ms),
            median(moves, ({ latency }) => latency?.through.p99Ms),
            median(moves, ({ latency }) => latency?.through.unanswered),
          ]
        : []),
    ]),
    notes: [
      "brown-out: the guest's work was under 90 % of its mean before, and slower than usual. work lost: how long what was not done would have taken at that mean.",
      "not over: moves whose brown-out had not ended when their record was made; theirs are longer.",
      ...(isAsked
        ? [
            "answers: of the guest, to a client on a third machine; p99: one of a hundred took longer. unanswered: questions, from the first action to the last.",
          ]
        : []),
    ],
  };
}
