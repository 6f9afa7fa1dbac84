import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cases, type FaultCase, modeAndWay } from "./cases.ts";
import { faults } from "./faults.ts";
import { caseName } from "./selection.ts";

/** What a person would have seen of a case. */
export interface Seen {
  struckUp: "succeeded" | "failed" | "was killed";
  outcomes: string[];
  memory: "kept" | "lost" | "booted anew";
}

/**
 * What was seen of each case that ended as it should: a line of JSON each, in a file that a later run can go on with, and a table in
 * Markdown beside it, for docs/. Both are there as far as the tests have come.
 */
export class FaultTable {
  readonly #file: string;
  readonly #seen: Map<string, Seen>;

  private constructor(file: string, seen: Map<string, Seen>) {
    this.#file = file;
    this.#seen = seen;
  }

  /** @param file of an earlier run, to go on with; default: a new one */
  static async open(file?: string): Promise<FaultTable> {
    const path = file ?? join(reports, "faults.jsonl");
    await mkdir(dirname(path), { recursive: true });
    if (file === undefined) await writeFile(path, "");
    const lines = (await readFile(path, "utf8").catch(() => "")).split("\n").filter(Boolean);
    return new FaultTable(
      path,
      new Map(
        lines.map((line) => {
          const { name, ...seen } = JSON.parse(line);
          return [name, seen];
        }),
      ),
    );
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#seen.keys());
  }

  /** A case that ended badly is run again next time; why, is beside the file at once, not when all are done. */
  async addFailure(one: FaultCase, error: unknown): Promise<void> {
    const why = error instanceof Error ? error.message : String(error);
    await appendFile(`${this.#file}.failed`, `${new Date().toISOString()} ${caseName(one)}\n${why}\n\n`);
  }

  async add(one: FaultCase, seen: Seen): Promise<void> {
    this.#seen.set(caseName(one), seen);
    await appendFile(this.#file, `${JSON.stringify({ name: caseName(one), ...seen })}\n`);
    const head = [
      "| overlay | mode | at its | fault | the struck `up` | records | memory |",
      "| --- | --- | --- | --- | --- | --- | --- |",
    ];
    const rows = cases.flatMap((each) => {
      const found = this.#seen.get(caseName(each));
      return found ? [row(each, found)] : [];
    });
    await writeFile(this.#file.replace(/(\.jsonl)?$/, ".md"), `${[...head, ...rows].join("\n")}\n`);
  }
}

function row(one: FaultCase, { struckUp, outcomes, memory }: Seen): string {
  const { redo, moment, fault } = one;
  const cells = [
    redo,
    modeAndWay(one),
    moment,
    faults[fault].name,
    struckUp,
    outcomes.join(", ") || "none",
    memory,
  ];
  return `| ${cells.join(" | ")} |`;
}

const reports = join(import.meta.dirname, "..", "..", ".testbed");

/** Writes what was seen to .testbed/, for docs/. */
export async function writeReport(name: string, lines: readonly string[]): Promise<void> {
  await mkdir(reports, { recursive: true });
  await writeFile(join(reports, name), `${lines.join("\n")}\n`);
}
