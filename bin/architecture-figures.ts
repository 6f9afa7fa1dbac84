/**
 * Prints how large the code is, and what is largest in it; of another commit too:
 *
 *   git worktree add /tmp/before 7d9e365 && node bin/architecture-figures.ts /tmp/before
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { codeFiles } from "./imports.ts";

const [project = join(import.meta.dirname, "..")] = process.argv.slice(2);

interface Sized {
  readonly what: string;
  readonly size: number;
}

const largest = (found: readonly Sized[]): Sized =>
  found.reduce((most, each) => (each.size > most.size ? each : most));

/** The functions of a file, each with its lines. */
function functionsIn(file: string, text: string): Sized[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const lineAt = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const found: Sized[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node) {
      const [first, last] = [lineAt(node.getStart(source)), lineAt(node.end)];
      found.push({ what: `${file}:${first}`, size: last - first + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const files = codeFiles(project).filter((file) => file.endsWith(".ts"));
const texts = files.map((file) => ({ file, text: readFileSync(join(project, file), "utf8") }));
const folders = Map.groupBy(files, (file) => dirname(file));
const inFolder = largest([...folders].map(([what, within]) => ({ what, size: within.length })));
const inFile = largest(texts.map(({ file, text }) => ({ what: file, size: text.split("\n").length - 1 })));
const inFunction = largest(texts.flatMap(({ file, text }) => functionsIn(file, text)));

console.log(`files of code, without tests  ${files.length}
folders                       ${folders.size}
most files in a folder        ${inFolder.size} (${inFolder.what}/)
longest file                  ${inFile.size} lines (${inFile.what})
longest function              ${inFunction.size} lines (${inFunction.what})`);
