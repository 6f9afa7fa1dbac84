// Shows how far the making of a part has come: a bar on a terminal, a line now and then elsewhere.
import { SingleBar } from "cli-progress";

/** How often a line is printed where there is no terminal. */
const lineEveryMs = 15_000;

/** One part's progress. Times are wall-clock seconds. */
export class BuildProgress {
  readonly #label: string;
  readonly #startedMs = performance.now();
  readonly #bar: SingleBar;
  readonly #timer: NodeJS.Timeout;
  #modules = 0;
  #compiled = 0;
  #total = 0;

  constructor(label: string) {
    this.#label = label;
    this.#bar = new SingleBar({
      format: "  {label} [{bar}] {status}",
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
    });
    const isTerminal = process.stderr.isTTY === true;
    if (isTerminal) this.#bar.start(1, 0, { label, status: "starting" });
    this.#timer = setInterval(() => this.#show(isTerminal), isTerminal ? 500 : lineEveryMs);
  }

  /** A module is being fetched. */
  downloading(_module: string): void {
    this.#modules++;
  }

  /** All modules are there; this many packages make up the part. Those compiled before are not compiled again. */
  compiling(total: number): void {
    this.#total = total;
  }

  compiled(): void {
    this.#compiled++;
  }

  /** Ends with a line that says how long it took. */
  done(): void {
    this.#stop();
    console.log(`  ${this.#label}: built in ${this.#seconds()} s`);
  }

  failed(): void {
    this.#stop();
    console.log(`  ${this.#label}: failed after ${this.#seconds()} s`);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#bar.stop();
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#startedMs) / 1000);
  }

  #show(isTerminal: boolean): void {
    const status =
      this.#total === 0
        ? `fetching Go modules: ${this.#modules}, ${this.#seconds()} s`
        : `${this.#compiled} of ${this.#total} packages compiled, ${this.#seconds()} s`;
    if (!isTerminal) {
      console.log(`  ${this.#label}: ${status}`);
      return;
    }
    this.#bar.setTotal(Math.max(this.#total, 1));
    this.#bar.update(this.#compiled, { label: this.#label, status });
  }
}
