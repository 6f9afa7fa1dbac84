import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { judgedClaims } from "../../../../report/claims/claims.ts";
import { countedMoves, type Dataset, readDataset } from "../../../../report/data/dataset.ts";
import { driftsIn } from "../../../../report/data/drift.ts";
import { cellsTable } from "../../../../report/tables/cells-table.ts";
import { checksTable } from "../../../../report/tables/checks-table.ts";
import { predictionTable } from "../../../../report/tables/prediction-table.ts";
import { shownOf, type TableCell } from "../../../../report/text/table-model.ts";

/** What another program, in another language, computes of the same files. */
interface Recomputed {
  moves: number;
  counted: number;
  cells: Record<
    string,
    { moves: number; interval: number[] | null } & Record<
      "total" | "downtime" | "client" | "passes" | "sent" | "dirty",
      number | null
    >
  >;
  claims: Record<string, number[] | null>;
  checks: Record<string, [number, number, number] | null>;
  order: { step: number; from: string; lag: number; runs: number };
  predictions: Record<
    string,
    Record<"totalMs" | "downtimeMs", { median: number; p90: number; within: number; of: number }>
  >;
}

const script = join(import.meta.dirname, "recompute.py");
const python = spawnSync("python3", ["-c", "import sys; sys.exit(sys.version_info < (3, 9))"]).status === 0;
const docs = join(import.meta.dirname, "..", "..", "..", "..", "docs");

/** A figure as it is, not as it is shown. */
const sizeOf = (cell: TableCell): number | undefined =>
  typeof cell === "object" && "sortsAs" in cell ? cell.sortsAs : undefined;

// Skipped where it cannot run, and said in the list of tests.
describe.skipIf(!python)(
  `another program finds the same${python ? "" : " (NOT TRIED: there is no python3 from 3.9 on)"}`,
  () => {
    describe.each(["paper/20261123T230634Z.jsonl", "prediction/20261127T040526Z.jsonl"])(
      "in docs/%s",
      (name) => {
        let dataset: Dataset;
        let other: Recomputed;
        const isPaper = name.startsWith("paper");
        beforeAll(async () => {
          const file = join(docs, name);
          dataset = await readDataset([file]);
          const { stdout, stderr, status } = spawnSync("python3", [script, file], {
            encoding: "utf8",
            maxBuffer: 1e8,
          });
          if (status !== 0) throw new Error(stderr);
          other = JSON.parse(stdout);
        });
        const close = (own: number | undefined, theirs: number | null | undefined) => {
          expect(own).toBeDefined();
          expect(Math.abs((own as number) - (theirs as number))).toBeLessThanOrEqual(
            1e-9 * Math.max(1, Math.abs(theirs as number)),
          );
        };

        it("moves, and the median of each figure of each cell, with its interval", () => {
          expect(dataset.moves).toHaveLength(other.moves);
          expect(countedMoves(dataset)).toHaveLength(other.counted);
          const { rows } = cellsTable(dataset);
          expect(rows.map(([cell]) => shownOf(cell)).sort()).toEqual(Object.keys(other.cells).sort());
          for (const row of rows) {
            const theirs = other.cells[shownOf(row[0])] as Recomputed["cells"][string];
            close(sizeOf(row[3]), theirs.moves);
            for (const [index, key] of ["total", "downtime", "client", "passes", "sent", "dirty"].entries()) {
              const figure = theirs[key as "total"];
              if (figure === null) expect(row[4 + index]).toBeUndefined();
              else close(sizeOf(row[4 + index]), figure);
            }
            const shown = shownOf(row[4]);
            if (theirs.interval === null) expect(shown).not.toContain("to");
            else {
              const [low = 0, high = 0] = theirs.interval;
              for (const end of [low, high])
                expect(shown.replaceAll("\u202f", "")).toContain(`${Math.round(end)}`);
            }
          }
        });

        it("every claim's effect, with the exact interval of guests like these and its level", () => {
          const judged = new Map(judgedClaims(dataset).map(({ claim, finding }) => [claim.id, finding]));
          let compared = 0;
          for (const [id, theirs] of Object.entries(other.claims)) {
            const estimate = judged.get(id)?.estimate;
            if (!theirs || !judged.has(id) || !estimate) continue;
            const [value, low, high, confidence] = theirs;
            close(estimate.value, value);
            close(estimate.low, low);
            close(estimate.high, high);
            close(estimate.confidence, confidence);
            compared += 1;
          }
          expect(compared).toBe(isPaper ? 6 : 4);
        });

        it("the intervals of these guests, as far as drawing allows", () => {
          const judged = new Map(judgedClaims(dataset).map(({ claim, finding }) => [claim.id, finding]));
          const drawn = Object.entries(other.claims).filter(([id]) => id.endsWith("-these"));
          expect(drawn).toHaveLength(isPaper ? 2 : 0);
          for (const [id, ends] of drawn) {
            const own = judged.get(id.slice(0, -"-these".length))?.ofThese;
            expect(Math.abs(Math.log((own?.low as number) / (ends?.[0] as number)))).toBeLessThan(0.02);
            expect(Math.abs(Math.log((own?.high as number) / (ends?.[1] as number)))).toBeLessThan(0.02);
          }
        });

        it("the differences between instruments", () => {
          const rows = checksTable(dataset)?.rows ?? [];
          const own = new Map(rows.map((row) => [`${shownOf(row[0])}, ${shownOf(row[1])}`, row]));
          const theirs = Object.entries(other.checks).filter(([, values]) => values !== null);
          expect(theirs.length).toBeGreaterThanOrEqual(5);
          for (const [what, values] of theirs) {
            const row = own.get(what);
            for (const [index, value] of (values ?? []).entries()) close(sizeOf(row?.[2 + index]), value);
          }
        });

        it("the order: where the run falls into two, and how alike neighbours are", () => {
          const [drift] = driftsIn(dataset);
          if (!drift) return expect(isPaper).toBe(false);
          const of = (test: string) => drift.tests.find(({ name: one }) => one === test)?.value;
          close(of("step"), other.order.step);
          close(of("lag-1 correlation"), other.order.lag);
          close(of("runs"), other.order.runs);
          if (drift.step) expect(drift.step.from.record.startedAt).toBe(other.order.from);
        });

        it("how far off the predictions were that the records carry, and how many were in their range", () => {
          for (const of of ["totalMs", "downtimeMs"] as const) {
            const rows = predictionTable(dataset, of).rows;
            expect(rows.map(([way]) => shownOf(way)).sort()).toEqual(Object.keys(other.predictions).sort());
            for (const row of rows) {
              const theirs = other.predictions[shownOf(row[0])]?.[of];
              close(sizeOf(row[2]), theirs?.median);
              close(sizeOf(row[3]), theirs?.p90);
              expect(shownOf(row[6])).toBe(`${theirs?.within} of ${theirs?.of}`);
            }
          }
        });
      },
    );
  },
);
