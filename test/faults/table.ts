import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FaultCase } from "./cases.ts";
import { faults } from "./faults.ts";

/** What a person would have seen of a case. */
export interface Seen {
  struckUp: "succeeded" | "failed" | "was killed";
  outcomes: string[];
  memory: "kept" | "lost";
}

/** What was seen of each case, as a table in Markdown: .testbed/faults.md, for docs/. It is there as far as the tests have come. */
export class FaultTable {
  readonly #rows: string[] = [];

  async add({ redo, mode, moment, fault }: FaultCase, { struckUp, outcomes, memory }: Seen): Promise<void> {
    // A cold move ends the guest's memory by itself.
    const after = mode === "cold" ? "booted anew" : memory;
    const cells = [redo, mode, moment, faults[fault].name, struckUp, outcomes.join(", ") || "none", after];
    this.#rows.push(`| ${cells.join(" | ")} |`);
    const head = [
      "| redo log | mode | at its | fault | the struck `up` | records | memory |",
      "| --- | --- | --- | --- | --- | --- | --- |",
    ];
    await writeReport("faults.md", [...head, ...this.#rows]);
  }
}

/** Writes what was seen to .testbed/, for docs/. */
export async function writeReport(name: string, lines: readonly string[]): Promise<void> {
  const folder = join(import.meta.dirname, "..", "..", ".testbed");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `${lines.join("\n")}\n`);
}
