import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseDocument } from "yaml";
import { parseStackConfig } from "../stacks/checks/parse.ts";
import { explain } from "../stacks/explain.ts";
import { type Mistake, StackConfigError } from "../stacks/mistake.ts";
import { list } from "../stacks/words.ts";
import { cellsOf } from "./cells.ts";
import { type Experiment, experimentSchema } from "./experiment.ts";
import { type Machines, moveConfigs, startOf } from "./stack-config.ts";

/** All that is wrong in an experiment's file; the message is meant for a terminal. */
export class ExperimentError extends Error {
  override readonly name = "ExperimentError";
  readonly mistakes: readonly Mistake[];

  constructor(file: string, mistakes: readonly Mistake[]) {
    const count = mistakes.length === 1 ? "a mistake" : `${mistakes.length} mistakes`;
    const lines = mistakes.map(({ path, problem, fix }) => `  ${path}: ${problem}; ${fix}`);
    super([`${file} has ${count}; nothing was touched:`, ...lines].join("\n"));
    this.mistakes = mistakes;
  }
}

/** `guests[0].workload.type`, as it stands in the file. */
const placeOf = (path: readonly PropertyKey[]): string =>
  path.length === 0
    ? "the file"
    : path
        .map((key, index) =>
          typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`,
        )
        .join("");

/**
 * Checks what an experiment's file says, and fills in its defaults.
 *
 * @throws ExperimentError with every mistake there is
 */
export function parseExperiment(raw: unknown, file: string): Experiment {
  const { success, data, error } = experimentSchema.safeParse(raw, { reportInput: true });
  if (!success) throw new ExperimentError(file, explain(experimentSchema, error.issues, raw, placeOf));
  const mistakes = [...arrangementMistakes(data), ...directionMistakes(data), ...nameMistakes(data)];
  if (mistakes.length > 0) throw new ExperimentError(file, mistakes);
  return data;
}

function arrangementMistakes({ moves, ways }: Experiment): Mistake[] {
  return Object.entries(ways).flatMap(([name, { arrangement }]): Mistake[] => {
    const path = `ways.${name}.arrangement`;
    if (moves === "each" && arrangement !== undefined) {
      return [{ path, problem: "guests move by themselves here", fix: "leave it out, or say moves: all" }];
    }
    return moves === "all" && arrangement === undefined
      ? [{ path, problem: "is missing", fix: "give one-by-one, at-once or by-cost, as all guests move" }]
      : [];
  });
}

function directionMistakes({ back, ways }: Experiment): Mistake[] {
  if (back === "unmeasured") return [];
  return Object.entries(ways).flatMap(([name, { direction }]): Mistake[] =>
    direction === undefined
      ? []
      : [
          {
            path: `ways.${name}.direction`,
            problem: "guests go to whichever host they are not on, as back is measured",
            fix: "leave it out, or say back: unmeasured",
          },
        ],
  );
}

/** Ways that are named and are none: what others are held against, in every size, and the ways of a size. */
function nameMistakes({ against, moves, ways, sizes }: Experiment): Mistake[] {
  const names = Object.keys(ways);
  const fix = `give one of ${list(names)}`;
  const ofSizes = Object.entries(sizes).flatMap(([size, { ways: own }]): Mistake[] => {
    const path = `sizes.${size}.ways`;
    const unknown = (own ?? []).filter((name) => !names.includes(name));
    const problem = `lacks ${JSON.stringify(against)}, which all others are held against`;
    return [
      ...unknown.map((name) => ({ path, problem: `there is no way ${JSON.stringify(name)}`, fix })),
      ...(own && against !== undefined && !own.includes(against) ? [{ path, problem, fix: "add it" }] : []),
    ];
  });
  if (against === undefined) return ofSizes;
  const path = "against";
  if (moves === "all")
    return [
      { path, problem: "is of guests that move by themselves", fix: "leave it out, or say moves: each" },
    ];
  return names.includes(against)
    ? ofSizes
    : [{ path, problem: `there is no way ${JSON.stringify(against)}`, fix }, ...ofSizes];
}

/**
 * Whether the stack of every cell is one that can be: what a mode cannot do, or a guest that is too small for its workload, is said
 * before anything is touched. Each mistake is said once, of the first cell that has it.
 *
 * @throws ExperimentError
 */
export function checkCells(experiment: Experiment, machines: Machines, stack: string, file: string): void {
  const found = new Map<string, Mistake>();
  for (const cell of cellsOf(experiment)) {
    for (const config of moveConfigs(experiment, machines, cell, startOf(experiment, machines, cell))) {
      for (const mistake of mistakesOf(config, stack)) {
        const path = `cell ${cell.id}, ${mistake.path}`;
        const key = `${mistake.path.replace(/guests\[\d+\]\.migration/, "migration")} ${mistake.problem}`;
        if (!found.has(key)) found.set(key, { ...mistake, path });
      }
    }
  }
  if (found.size > 0) throw new ExperimentError(file, [...found.values()]);
}

function mistakesOf(config: unknown, stack: string): readonly Mistake[] {
  try {
    parseStackConfig(config, stack);
    return [];
  } catch (error) {
    if (error instanceof StackConfigError) return error.mistakes;
    throw error;
  }
}

/** An experiment by its name, or by the path of its file. */
export interface Loaded {
  name: string;
  file: string;
  experiment: Experiment;
}

/**
 * Reads an experiment.
 *
 * @param named its name, for experiments/<name>.yaml, or the path of a file that ends with .yaml
 * @throws ExperimentError, or an error that says which experiments there are
 */
export async function loadExperiment(named: string, folder = "experiments"): Promise<Loaded> {
  const isPath = named.endsWith(".yaml");
  const file = isPath ? named : join(folder, `${named}.yaml`);
  const text = await readFile(file, "utf8").catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    const known = await experimentNames(folder);
    throw new Error(
      `There is no ${file}. Experiments are ${list(known)}; one of your own is a file ${folder}/<name>.yaml.`,
    );
  });
  const document = parseDocument(text);
  const [fault] = document.errors;
  if (fault) throw new Error(`${file} is no YAML: ${fault.message}`);
  return { name: basename(file, ".yaml"), file, experiment: parseExperiment(document.toJS(), file) };
}

export async function experimentNames(folder = "experiments"): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names.flatMap((name) => (name.endsWith(".yaml") ? name.slice(0, -".yaml".length) : [])).sort();
}
