import type { Argument, Command, Option } from "commander";

/** What a word may be, by the name that a command gives its argument or option's value: `<stack>` is one of `stack`. */
export type Sources = Readonly<Record<string, () => Promise<readonly string[]>>>;

/**
 * What the last of the words may become.
 *
 * @param words what was typed behind the command; the last one is begun, and may be empty
 */
export async function completions(
  program: Command,
  words: readonly string[],
  sources: Sources = {},
): Promise<string[]> {
  const begun = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const { asking, positionals } = read(program, before);
  const found = asking
    ? await valuesOf(asking, valueName(asking), sources)
    : begun.startsWith("-")
      ? optionsLeft(program, before)
      : await argumentValues(program.registeredArguments, positionals, sources);
  return found.filter((one) => one.startsWith(begun));
}

/** The option whose value comes next, and how many words are no options. */
function read(program: Command, words: readonly string[]): { asking?: Option; positionals: number } {
  let positionals = 0;
  let asking: Option | undefined;
  for (const word of words) {
    if (asking) asking = undefined;
    else if (!word.startsWith("-")) positionals++;
    else {
      const option = program.options.find(({ long, short }) => word === long || word === short);
      asking = option?.required ? option : undefined;
    }
  }
  return { positionals, ...(asking && { asking }) };
}

const optionsLeft = (program: Command, words: readonly string[]): string[] =>
  [...program.options.flatMap(({ long }) => long ?? []), "--help"].filter((long) => !words.includes(long));

function argumentValues(
  all: readonly Argument[],
  position: number,
  sources: Sources,
): Promise<readonly string[]> {
  const last = all.at(-1);
  const argument = all[position] ?? (last?.variadic ? last : undefined);
  return argument ? valuesOf(argument, argument.name(), sources) : Promise.resolve([]);
}

const valuesOf = async (
  { argChoices }: { argChoices?: readonly string[] | undefined },
  name: string,
  sources: Sources,
): Promise<readonly string[]> => argChoices ?? (await sources[name]?.()) ?? [];

/** `stack` of `--stack <stack>`. */
const valueName = ({ flags }: Option): string => /[<[]([^>\].]+)/.exec(flags)?.[1] ?? "";
