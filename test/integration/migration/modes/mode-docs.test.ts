import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const project = join(import.meta.dirname, "../../../..");

const { options } = ts.getParsedCommandLineOfConfigFile(
  join(project, "tsconfig.json"),
  { noEmit: true },
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => expect.unreachable(`${messageText}`),
  },
) as ts.ParsedCommandLine;

/** What the compiler says of a file that is not there, in the place where it would be. */
function compiled(file: string, text: string, before?: ts.Program) {
  const path = join(project, file);
  const host = ts.createCompilerHost(options);
  const program = ts.createProgram(
    [path],
    options,
    {
      ...host,
      fileExists: (name) => name === path || host.fileExists(name),
      getSourceFile: (name, language) =>
        name === path
          ? ts.createSourceFile(name, text, language)
          : (before?.getSourceFile(name) ?? host.getSourceFile(name, language)),
    },
    before,
  );
  const complaints = ts
    .getPreEmitDiagnostics(program, program.getSourceFile(path))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  return { program, complaints };
}

test("the mode that the docs show how to add compiles as it is shown", () => {
  const page = readFileSync(join(project, "docs/modes.md"), "utf8");
  const [, file = "", example = ""] =
    /in a file of its name, `(.+?)`:\n\n *```ts\n(.*?)```/s.exec(page) ?? [];
  expect(file).toBe("migration/modes/unplug.ts");
  const shown = compiled(file, example);
  expect(shown.complaints).toEqual([]);
  const wrong = compiled(file, example.replaceAll("copy-overlay", "copy-all"), shown.program);
  expect(wrong.complaints).toEqual([expect.stringContaining("copy-all")]);
});
