import { MultiBar, type SingleBar } from "cli-progress";
import { visibleLines } from "../report/text/visible.ts";
import type { TurnLine } from "./remaining.ts";
import type { Listener } from "./run.ts";
import type { Turn } from "./schedule.ts";
import { inWords, type TurnTime, timeLeftMs } from "./time-left.ts";

/** Tells how far an experiment is: a bar on a terminal, with the time left; lines anywhere else. */
export class ProgressBar implements Listener {
  readonly #out: NodeJS.WriteStream;
  readonly #times: TurnTime[] = [];
  #bars: MultiBar | undefined;
  #bar: SingleBar | undefined;
  #madeBefore: number;
  #left: readonly Turn[] = [];
  #doing = "";

  /** @param madeBefore turns that earlier runs of the command have made */
  constructor(madeBefore: number, out: NodeJS.WriteStream = process.stdout) {
    this.#madeBefore = madeBefore;
    this.#out = out;
    if (!out.isTTY) return;
    this.#bars = new MultiBar({
      stream: out,
      format: "[{bar}] {value} of {total}, {left} left  {doing}",
      hideCursor: true,
      barsize: 24,
    });
    this.#bar = this.#bars.create(1, 0, { left: "–", doing: "" });
  }

  doing(what: string): void {
    this.#doing = what;
    if (this.#bar) this.#draw();
    else this.say(what);
  }

  left(turns: readonly Turn[]): void {
    this.#left = turns;
    this.#draw();
  }

  made(turn: Turn, lines: readonly TurnLine[], tookMs: number): void {
    if (lines.length > 0) this.#times.push({ cell: turn.cell, tookMs });
    for (const line of lines) this.say(`${turn.order}. ${inLine(line)}`);
  }

  say(told: string): void {
    const line = visibleLines(told);
    if (this.#bars) this.#bars.log(`${line}\n`);
    else this.#out.write(`${line}\n`);
  }

  stop(): void {
    this.#bars?.stop();
  }

  #draw(): void {
    if (!this.#bar) return;
    const made = this.#madeBefore + this.#times.length;
    const ms = timeLeftMs(this.#times, this.#left);
    this.#bar.setTotal(made + this.#left.length);
    this.#bar.update(made, { left: ms === undefined ? "–" : inWords(ms), doing: this.#doing });
  }
}

/** What came of a move, in a line. */
function inLine(line: TurnLine): string {
  const what = `${line.cell}, ${line.isWarmUp ? "warm-up" : "repeat"} ${line.repeat}`;
  if (line.kind === "failure") return `${what}: could not be made: ${line.error}`;
  if (line.kind === "update") {
    const { policy, decided, updateMs } = line.update;
    return `${what}: policy ${policy}, ${decided.length} moves decided, update ${(updateMs / 1000).toFixed(0)} s`;
  }
  const { from, to, outcome, totalMs, downtimeMs, error, guest } = line.record;
  const times = `${(totalMs / 1000).toFixed(2)} s${downtimeMs === undefined ? "" : `, downtime ${Math.round(downtimeMs)} ms`}`;
  const ended = outcome === "completed" ? times : `${outcome}${error ? `: ${error}` : ""}`;
  const interrupted = line.isInterrupted ? " (interrupted; it is made again)" : "";
  return `${what}: ${guest} ${from} → ${to}, ${ended}${interrupted}`;
}
