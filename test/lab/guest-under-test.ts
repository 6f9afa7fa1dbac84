import { existsSync } from "node:fs";
import { expect } from "vitest";
import type { MigrationMode } from "../../moves/modes.ts";
import { recordSchema } from "../../moves/record.ts";
import { readRecords } from "../../moves/results.ts";
import type { StackInput } from "../../stacks/config.ts";
import { counterFaults, type Life, lifeOf } from "./guest-life.ts";
import type { TestStack } from "./stack.ts";

type MigrationInput = StackInput["migration"];

/** A guest of a stack with two hosts: where it is, where it is wanted, and whether it lives. */
export class GuestUnderTest<Stack extends TestStack = TestStack> {
  readonly name: string;
  readonly stack: Stack;

  constructor(stack: Stack, name: string) {
    this.stack = stack;
    this.name = name;
  }

  /** The host that it runs on; on no other is a trace of it. */
  async host(): Promise<string> {
    const [host = "nowhere", ...more] = Object.keys(await this.stack.places(this.name));
    expect(more).toEqual([]);
    return host;
  }

  /** Asks for it on a host, from the next run on. */
  place(host: string, mode: MigrationMode, options: MigrationInput = {}): void {
    this.stack.config.migration = { mode, ...options };
    this.stack.config.placement[this.name] = host;
  }

  /** Moves it with an `up`. Returns what that said. */
  async move(host: string, mode: MigrationMode): Promise<string> {
    this.place(host, mode);
    return this.stack.deploy();
  }

  /** Asks for it on the host that it is not on, with the next run. */
  async placeElsewhere(mode: MigrationMode, options?: MigrationInput): Promise<{ from: string; to: string }> {
    const from = await this.host();
    const to = from === "host1" ? "host2" : "host1";
    this.place(to, mode, options);
    return { from, to };
  }

  /** Asks for it where it is. */
  async stay(): Promise<string> {
    const host = await this.host();
    this.place(host, "live");
    return host;
  }

  life(): Promise<Life> {
    return lifeOf(this.stack, this.name);
  }

  /** It never stopped living: the same boot, the same process, which counted on and repeated nothing. */
  async expectLifeWentOn(before: Life): Promise<void> {
    const after = await this.life();
    expect({ bootId: after.bootId, pid: after.pid }).toEqual({ bootId: before.bootId, pid: before.pid });
    expect(after.count).toBeGreaterThan(before.count);
    expect(after.uptimeS).toBeGreaterThan(before.uptimeS);
    expect(await counterFaults(this.stack, this.name)).toBe("");
  }

  /** It runs there and nowhere else, and no move of it is unfinished. */
  async expectOneCopyAt(host: string): Promise<void> {
    const places = await this.stack.places(this.name);
    expect(places).toEqual({ [host]: expect.stringMatching(/^running/) });
    expect(await this.stack.unfinished()).toEqual([]);
  }

  async records() {
    const file = this.stack.project.path("results", `${this.stack.name}.jsonl`);
    if (!existsSync(file)) return []; // nothing has moved yet
    const { records, unreadable } = await readRecords(file);
    expect(unreadable).toEqual([]);
    return records.filter(({ guest }) => guest === this.name).map((record) => recordSchema.parse(record));
  }
}
