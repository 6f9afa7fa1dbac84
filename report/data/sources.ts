import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { resultsFile, stacksWithResults } from "../../moves/results.ts";

/** What a person asked to see, and the files that have it. */
interface ReportArguments {
  /** For the names of what is written. */
  name: string;
  files: string[];
}

/**
 * The files that were asked for: each word is a results file, an experiment (its latest run), one run of it (`paper/20260101T120000Z`), or a stack. An
 * experiment is made on a stack of its name: that stack's own file, in which are also the moves back, is asked for by its path.
 * Without words: what there is, if that is one thing.
 *
 * @param folder where results are
 * @throws when there is none of that name, or nothing was named and there are several
 */
export async function askedSources(words: readonly string[], folder = "results"): Promise<ReportArguments> {
  const stacks = await stacksWithResults(folder);
  const experiments = await experimentsWithResults(folder);
  const known = [...new Set([...experiments, ...stacks])];
  if (words.length === 0) {
    const [only, ...others] = known;
    if (only === undefined)
      throw new Error("No results yet: they are written to results/ as soon as a guest has moved.");
    if (others.length > 0) throw new Error(`Which results? There are those of ${known.join(", ")}.`);
    return askedSources([only], folder);
  }
  const files = await Promise.all(words.map((word) => fileOf(word, folder, { stacks, experiments, known })));
  const names = words.map((word) => basename(word, ".jsonl").replaceAll(/[^\w.-]+/g, "-"));
  return { name: names.join("+"), files: [...new Set(files)] };
}

async function fileOf(
  word: string,
  folder: string,
  { stacks, experiments, known }: Record<"stacks" | "experiments" | "known", readonly string[]>,
): Promise<string> {
  if (word.endsWith(".jsonl")) {
    const found = await stat(word).catch(() => undefined);
    if (!found?.isFile()) throw new Error(`There is no file ${word}.`);
    return word;
  }
  const [experiment = "", run] = word.split("/");
  if (experiments.includes(experiment)) {
    const runs = await runsOf(experiment, folder);
    const chosen = run === undefined ? runs.at(-1) : runs.find((name) => name === run);
    if (chosen === undefined)
      throw new Error(`No run ${run} of ${experiment}; there are ${runs.join(", ")}.`);
    return join(folder, "experiments", experiment, `${chosen}.jsonl`);
  }
  if (stacks.includes(word)) return resultsFile(word, folder);
  throw new Error(
    `No results of ${word}: it is neither a file, nor a stack, nor an experiment that has some; there are those of ${known.join(", ") || "none"}.`,
  );
}

/** The experiments that were run. */
async function experimentsWithResults(folder: string): Promise<string[]> {
  const names = await namesIn(join(folder, "experiments"));
  const runs = await Promise.all(names.map((name) => runsOf(name, folder)));
  return names.filter((_, index) => (runs[index] as string[]).length > 0);
}

/** Oldest first: runs are called by when they began. */
const runsOf = async (experiment: string, folder: string): Promise<string[]> =>
  (await namesIn(join(folder, "experiments", experiment))).flatMap((name) =>
    name.endsWith(".jsonl") ? name.slice(0, -".jsonl".length) : [],
  );

const namesIn = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
  return names.sort();
};
