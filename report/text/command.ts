import { readdir } from "node:fs/promises";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { completions, type Sources } from "./completion.ts";
import { visibleLines } from "./visible.ts";

/** Prints a line, or several, for the caller of the command. */
export function say(text: string): void {
  process.stdout.write(`${visibleLines(text)}\n`);
}

/**
 * What every command says to the shell: 0, it did what it was asked; 1, that failed, or what was looked at is not as it should be; 2, it was
 * called wrongly, and nothing was done.
 */
const exitCode = { failed: 1, usage: 2 };

/** The caller's mistake. */
export class UsageError extends Error {}

/** A program that was called has said what is wrong. */
export class SaidAlready extends Error {}

/**
 * A command of the project's: what it takes is declared on it (commander's `argument`, `option`), what it does is its `action`. A mistake is
 * told with what was perhaps meant.
 *
 * @param call how people call it, such as `npm run keep --`
 * @param usage what follows, such as `STACK [options]`; several ways, a line each
 */
export function command(call: string, usage: string, description: string): Command {
  const forms = usage.split("\n").map((form, i) => `${i === 0 ? "" : `       ${call} `}${form}`);
  return new Command(call)
    .usage(forms.join("\n"))
    .description(description)
    .helpOption("-h, --help", "this text")
    .configureHelp({ visibleArguments: () => [] })
    .showHelpAfterError(`${call} --help says what it takes`)
    .allowExcessArguments(false)
    .exitOverride();
}

/** What people name on the command line, as it lies in the project's folder. */
const sources: Sources = {
  stack: () => namesIn("stacks", /^Pulumi\.(.+)\.yaml$/),
  experiment: () => namesIn("experiments", /^(.+)\.yaml$/),
  results: async () => [
    ...(await namesIn("results", /^([^.]+)\.jsonl$/)),
    ...(await namesIn("results/experiments", /^([^.]+)$/)),
  ],
};

const namesIn = async (folder: string, name: RegExp): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).flatMap((file) => name.exec(file)?.[1] ?? []);

/** Runs a command to its end. What it throws is said, and is in the exit code. */
export async function runCommand(program: Command): Promise<void> {
  // A reader that has seen enough (head) closes the pipe.
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? 0 : exitCode.failed),
  );
  const words = process.argv.slice(2);
  // A shell asks what may be typed next; nothing is done then.
  if (process.env.KVM_MIGRATION_TESTBED_COMPLETION) {
    for (const one of await completions(program, words, sources)) say(one);
    return;
  }
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    // Commander has said it.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCode.usage;
    else {
      // As commander does.
      if (!(error instanceof SaidAlready))
        process.stderr.write(`error: ${visibleLines((error as Error).message)}\n`);
      process.exitCode = error instanceof UsageError ? exitCode.usage : exitCode.failed;
    }
  }
}

/** An option's value: several, as `A,B`. */
export function commaList(text: string): string[] {
  return text.split(",").filter(Boolean);
}

/** An option's value: a whole number, `least` or more. */
export function wholeNumber(least = 0): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least)
      throw new InvalidArgumentError(`It takes a whole number, ${least} or more.`);
    return Number(text);
  };
}
