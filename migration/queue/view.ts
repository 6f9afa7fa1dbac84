import { z } from "zod";
import type { QueueEntry } from "./admission.ts";

const entrySchema = z.object({
  guest: z.string(),
  uuid: z.string(),
  from: z.string(),
  to: z.string(),
  memoryMiB: z.number(),
  sizeMiB: z.number(),
  perHost: z.number(),
  turn: z.number().optional(),
  port: z.number().optional(),
  moving: z.boolean(),
}) satisfies z.ZodType<unknown, unknown>;

/** One that is torn or of another version of this program keeps nobody waiting. */
function entriesOf(line: string): QueueEntry[] {
  try {
    return [entrySchema.parse(JSON.parse(line)) as QueueEntry];
  } catch {
    return [];
  }
}

/** Reads how the queue looks: an entry a line, and a line `--` at the end of each look. */
export class QueueView {
  entries: QueueEntry[] = [];
  text = "";
  /** What it said beside that: why it ended, if it did. */
  said = "";
  /** How many looks there were. */
  version = 0;
  #lines: string[] = [];
  #change = Promise.withResolvers<void>();

  read(line: string): void {
    if (!line.startsWith("{") && line !== "--" && line !== "") {
      this.said = [this.said, line.replace(/^! /, "")].filter(Boolean).join("; ").slice(-500);
      return;
    }
    if (line !== "--") {
      this.#lines.push(line);
      return;
    }
    const text = this.#lines.join("\n");
    this.#lines = [];
    this.show(text);
  }

  show(text: string): void {
    this.text = text;
    this.entries = text.split("\n").flatMap(entriesOf);
    this.version++;
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  }

  /** Resolves once there is a look that was not seen yet. */
  async newerThan(version: number): Promise<void> {
    if (this.version <= version) await this.#change.promise;
  }
}
