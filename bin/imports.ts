/** What the files of the code import from one another, as the compiler reads them. */
import { globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

/** Top-level folders that are no code of the project's: tests, examples, the SDK that Pulumi generates, and what is made or installed. */
const notCode = ["node_modules", "sdks", "test", "examples", "build", "results", ".testbed", ".git"];
const files = "*.{ts,mts,cts,tsx,js,mjs,cjs,jsx}";

/** The files of the code, by their paths in the project. */
export function codeFiles(project: string): string[] {
  const within = readdirSync(project, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !notCode.includes(entry.name))
    .map(({ name }) => `${name}/**/${files}`);
  return globSync([files, ...within], { cwd: project }).sort();
}

/** What a file imports, however it says so. */
interface Imports {
  /** Paths in the project, those of the project's own package among them; other packages are left out. */
  readonly files: string[];
  /** Imports of what is known only when the program runs, as they are written. */
  readonly unread: string[];
}

/**
 * @param file its path in the project
 * @param manifest the project's name, by which it may import itself, and what it exports
 */
export function importsOf(file: string, text: string, { name, exports }: Manifest): Imports {
  const source = ts.createSourceFile(file, text, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  });
  const found: Imports = { files: [], unread: [] };
  const visit = (node: ts.Node): void => {
    const [asked] = namesIn(node);
    if (asked && ts.isStringLiteralLike(asked)) {
      const path = pathOf(asked.text);
      if (path !== undefined) found.files.push(path);
    } else if (asked) found.unread.push(node.getText(source));
    ts.forEachChild(node, visit);
  };
  const pathOf = (asked: string): string | undefined => {
    if (asked.startsWith(".")) return join(dirname(file), asked);
    if (asked !== name && !asked.startsWith(`${name}/`)) return undefined;
    const exported = exports[`.${asked.slice(name.length)}`];
    if (exported === undefined)
      throw new Error(`${file} imports ${asked}, which package.json does not export`);
    return join(exported);
  };
  visit(source);
  return found;
}

/** Of package.json. */
interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
}

/** What an import, an export, `import()`, `require()` or the type of a module names. */
function namesIn(node: ts.Node): readonly (ts.Node | undefined)[] {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return [node.moduleSpecifier];
  if (ts.isImportTypeNode(node))
    return [ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument];
  if (!ts.isCallExpression(node)) return [];
  const { expression } = node;
  const isRequire = ts.isIdentifier(expression) && expression.text === "require";
  return isRequire || expression.kind === ts.SyntaxKind.ImportKeyword ? node.arguments : [];
}

/** What each file of the code imports from the others, and cannot be read of what it imports. */
export function importsOfAll(project: string): Record<string, Imports> {
  const read = (file: string) => readFileSync(join(project, file), "utf8");
  const manifest: Manifest = JSON.parse(read("package.json"));
  return Object.fromEntries(codeFiles(project).map((file) => [file, importsOf(file, read(file), manifest)]));
}
