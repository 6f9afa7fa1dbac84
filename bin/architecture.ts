/**
 * `npm run architecture`: writes what is made from docs/architecture.yaml (which folder may import from which) and from the first lines of the
 * folders' READMEs: the tables in docs/architecture.md and CONTRIBUTING.md, and the pictures beside the first. A test fails when they
 * are not in step.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { type Arrows, picture } from "./architecture-picture.ts";

const project = join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(join(project, file), "utf8");

export const allowedArrows = (): Arrows => parse(read("docs/architecture.yaml"));

const folderOf = (file: string): string => (dirname(file) === "." ? "index.ts" : dirname(file));

/** The same between folders. */
export const folderImports = (files: Arrows): Arrows => gathered(files, folderOf);

/** The same between top-level folders, each with all that is in it. */
export const topImports = (folders: Arrows): Arrows =>
  gathered(folders, (folder) => folder.replace(/\/.*/, ""));

function gathered(arrows: Arrows, placeOf: (name: string) => string): Arrows {
  const found: Record<string, string[]> = {};
  for (const [from, targets] of Object.entries(arrows)) {
    const place = placeOf(from);
    const others = targets.map(placeOf).filter((other) => other !== place);
    found[place] = [...new Set([...(found[place] ?? []), ...others])].sort();
  }
  return found;
}

/** A path along arrows that ends where it began; undefined: there is none. */
export function circle(arrows: Arrows): string[] | undefined {
  const done = new Set<string>();
  const walk = (path: readonly string[], here: string): string[] | undefined => {
    if (path.includes(here)) return [...path.slice(path.indexOf(here)), here];
    if (done.has(here)) return undefined;
    for (const next of arrows[here] ?? []) {
      const found = walk([...path, here], next);
      if (found) return found;
    }
    done.add(here);
    return undefined;
  };
  return Object.keys(arrows).reduce<string[] | undefined>(
    (found, start) => found ?? walk([], start),
    undefined,
  );
}

/** What a folder is for, as its README begins: `# fleet: the machines, and ...`. */
export function ideaOf(folder: string): string {
  if (folder === "index.ts") return "the program: config in, testbed declared, outputs out";
  const [, idea] = /^# \S+: (.+)$/m.exec(read(join(folder, "README.md"))) ?? [];
  if (idea === undefined)
    throw new Error(`${folder}/README.md does not begin with "# ${folder}: what it is for"`);
  return idea;
}

/** The folders of tests, which test/README.md explains. */
export const testFolders = (): string[] =>
  readdirSync(join(project, "test"), { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
    .sort();

/** The files that are made, by their names. */
export function madeFiles(): Record<string, string> {
  const arrows = allowedArrows();
  const tops = topImports(arrows);
  const high = (some: Arrows) => Object.keys(some).reverse();
  const link = (folder: string) =>
    folder === "index.ts" ? "`index.ts`" : `[${folder}/](../${folder}/README.md)`;
  const rows = high(arrows).map((folder) => [
    link(folder),
    ideaOf(folder),
    (arrows[folder] ?? []).join(", "),
  ]);
  const where = [
    ...high(tops).map((top) => [top.includes(".") ? `\`${top}\`` : `\`${top}/\``, ideaOf(top)]),
    ["`test/`", `${ideaOf("test")}: [${testFolders().join(", ")}](test/README.md)`],
  ];
  const rooms = Object.fromEntries(
    Object.entries(arrows)
      .filter(([folder]) => folder.startsWith("migration"))
      .map(([folder, targets]) => [folder, targets.filter((target) => target.startsWith("migration"))]),
  );
  return {
    "docs/architecture.md": withTable("docs/architecture.md", ["folder", "idea", "imports from"], rows),
    "CONTRIBUTING.md": withTable("CONTRIBUTING.md", ["folder", "idea"], where),
    "docs/architecture.svg": picture(tops, "Folders, and which imports from which"),
    "docs/architecture-migration.svg": picture(rooms, "The rooms of migration, and which imports from which"),
  };
}

const [begin, end] = ["<!-- made by npm run architecture -->", "<!-- until here -->"];

/** The page with a new table; what people wrote around it stays. */
function withTable(file: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const [before, rest] = read(file).split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`${file} has lost the marks "${begin}" and "${end}"`);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], fill = " ") =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width, fill)).join(" | ")} |`;
  const lines = [line(head), line([], "-"), ...rows.map((cells) => line(cells))];
  return `${before}${begin}\n\n${lines.join("\n")}\n\n${end}${after}`;
}

if (import.meta.main) {
  for (const [file, text] of Object.entries(madeFiles())) writeFileSync(join(project, file), text);
}
