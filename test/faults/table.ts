import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cases, type FaultCase, modeAndWay } from "./cases.ts";
import { faults } from "./faults.ts";
import { caseName } from "./selection.ts";

/** What a person would have seen of a case. */
export interface Seen {
  struckUp: "succeeded" | "failed" | "was killed";
  outcomes: string[];
  memory: "kept" | "lost" | "booted anew";
}

/** What sort of cases a table is of, and how one looks in it. */
export interface Sort<Case, Found> {
  /** Where it is written if nothing is said, and what comes after a file's name for the table. */
  file: string;
  ending: string;
  cases: readonly Case[];
  nameOf: (one: Case) => string;
  head: readonly string[];
  row: (one: Case, found: Found) => readonly string[];
}

/** Moves that are struck. */
export const moves: Sort<FaultCase, Seen> = {
  file: "faults.jsonl",
  ending: ".md",
  cases,
  nameOf: caseName,
  head: ["overlay", "mode", "at its", "fault", "the struck `up`", "records", "memory"],
  row: (one, { struckUp, outcomes, memory }) => [
    ...[one.overlay, modeAndWay(one), one.moment, faults[one.fault].name],
    ...[struckUp, outcomes.join(", ") || "none", memory],
  ],
};

/**
 * What was seen of each case that ended as it should: a line of JSON each, in a file that a later run can go on with, and a table in
 * Markdown beside it, for docs/. Both are there as far as the tests have come.
 */
export class FaultTable<Case, Found extends object> {
  readonly #sort: Sort<Case, Found>;
  readonly #file: string;
  readonly #seen: Map<string, Found & Struck>;
  readonly #struck: Struck;

  private constructor(
    sort: Sort<Case, Found>,
    file: string,
    seen: Map<string, Found & Struck>,
    struck: Struck,
  ) {
    this.#sort = sort;
    this.#file = file;
    this.#seen = seen;
    this.#struck = struck;
  }

  /**
   * @param file of an earlier run, to go on with; default: a new one
   * @param struck the program that is tried from now on
   */
  static async open<Case, Found extends object>(
    sort: Sort<Case, Found>,
    file?: string,
    struck: Struck = {},
  ): Promise<FaultTable<Case, Found>> {
    const path = file ?? join(reports, sort.file);
    await mkdir(dirname(path), { recursive: true });
    if (file === undefined) await writeFile(path, "");
    const lines = (await readFile(path, "utf8").catch(() => "")).split("\n").filter(Boolean);
    const seen = new Map(
      lines.map((line) => {
        const { name, ...found } = JSON.parse(line);
        return [name as string, found as Found & Struck];
      }),
    );
    return new FaultTable(sort, path, seen, struck);
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#seen.keys());
  }

  /** A case that ended badly is run again next time; why, is beside the file at once, not when all are done. */
  async addFailure(one: Case, error: unknown): Promise<void> {
    const why = error instanceof Error ? error.message : String(error);
    await appendFile(
      `${this.#file}.failed`,
      `${new Date().toISOString()} ${this.#sort.nameOf(one)}\n${why}\n\n`,
    );
  }

  async add(one: Case, found: Found): Promise<void> {
    const { cases, nameOf, head, row, ending } = this.#sort;
    const seen = { ...found, ...this.#struck };
    this.#seen.set(nameOf(one), seen);
    await appendFile(this.#file, `${JSON.stringify({ name: nameOf(one), ...seen })}\n`);
    const rows = cases.flatMap((each) => {
      const known = this.#seen.get(nameOf(each));
      return known ? [[...row(each, known), known.commit ?? ""]] : [];
    });
    const heading = [...head, "commit"];
    const lines = [heading, heading.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
    await writeFile(this.#file.replace(/(\.jsonl)?$/, ending), `${lines.join("\n")}\n`);
  }
}

/** Which program it was. */
interface Struck {
  /** Absent: it is no checkout of git's. */
  commit?: string;
}

export async function thisProgram(): Promise<Struck> {
  const { stdout, exitCode } = await execa("git", ["rev-parse", "--short", "HEAD"], {
    cwd: import.meta.dirname,
    reject: false,
  });
  return exitCode === 0 ? { commit: stdout } : {};
}

const reports = join(import.meta.dirname, "..", "..", ".testbed");

/** Writes what was seen to .testbed/, for docs/. */
export async function writeReport(name: string, lines: readonly string[]): Promise<void> {
  await mkdir(reports, { recursive: true });
  await writeFile(join(reports, name), `${lines.join("\n")}\n`);
}
