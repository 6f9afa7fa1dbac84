// What a running command writes: kept for its outputs, shown line by line while it runs.

/** Collects both streams; complete lines are handed on as they come. */
export class Output {
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #both: Buffer[] = [];
  readonly #rest = { stdout: "", stderr: "" };
  readonly #line: (line: string) => void;
  readonly #logged: { readonly stdout: boolean; readonly stderr: boolean };

  /** `line` gets each line of the streams that `logging` names. */
  constructor(logging: "none" | "stderr" | "stdout" | "stdoutAndStderr", line: (line: string) => void) {
    this.#line = line;
    this.#logged = {
      stdout: logging === "stdout" || logging === "stdoutAndStderr",
      stderr: logging === "stderr" || logging === "stdoutAndStderr",
    };
  }

  add(stream: "stdout" | "stderr", chunk: Buffer): void {
    (stream === "stdout" ? this.#stdout : this.#stderr).push(chunk);
    this.#both.push(chunk);
    if (!this.#logged[stream]) return;
    const lines = (this.#rest[stream] + chunk.toString()).split("\n");
    this.#rest[stream] = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  /** Hands on the last lines, which had no newline. */
  end(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#rest[stream] !== "") this.#line(this.#rest[stream]);
      this.#rest[stream] = "";
    }
  }

  /** What becomes the resource's outputs: one newline at the end is left out, as the official plugin does. */
  get outputs(): { stdout: string; stderr: string } {
    return { stdout: text(this.#stdout), stderr: text(this.#stderr) };
  }

  /** Both streams in the order in which they came. */
  get everything(): string {
    return Buffer.concat(this.#both).toString();
  }
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString().replace(/\n$/, "");
}

/** A command that did not end well. The message is the official plugin's: how it ended, what it was, what it wrote. */
export class CommandError extends Error {
  readonly stdout: string;
  readonly stderr: string;
  constructor(how: string, command: string, output: Output) {
    super(`${how}: running ${JSON.stringify(command)}:\n${output.everything}`);
    this.name = "CommandError";
    this.stdout = output.outputs.stdout;
    this.stderr = output.outputs.stderr;
  }
}
