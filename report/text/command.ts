import { visibleLines } from "./visible.ts";

/** Prints a line, or several, for the caller of the command. */
export function say(text: string): void {
  process.stdout.write(`${visibleLines(text)}\n`);
}

/** Runs a command to its end. What it throws is said in a line, and the exit code is 1. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  // A reader that has seen enough (head) closes the pipe.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  await main().catch((error: Error) => {
    process.stderr.write(`${visibleLines(error.message)}\n`);
    process.exitCode = 1;
  });
}
