import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

// What a shell may complete of `npm run …` in this project: it gives all words, the last one begun, and gets a candidate a line. The exit
// code is 1 where it is not about this project's commands: npm's own completion has the word then. completion/ has what calls it.

const [, verb = "", ...rest] = process.argv.slice(2);
const { scripts } = JSON.parse(await readFile("package.json", "utf8")) as { scripts: Record<string, string> };

const dashes = rest.indexOf("--");
const isBehind = dashes >= 0 && dashes < rest.length - 1;
const names = (isBehind ? rest.slice(0, dashes) : rest).filter((word) => !/^-./.test(word));
const [script = ""] = names;
const file = /(\S+\.ts)/.exec(scripts[script] ?? "")?.[1];

if (!["run", "run-script"].includes(verb)) process.exitCode = 1;
else if (names.length <= 1 && !isBehind) say(Object.keys(scripts).filter((name) => name.startsWith(script)));
else if (!isBehind) say(file && "--".startsWith(rest.at(-1) ?? "") ? ["--"] : []);
else if (file) {
  // The command itself says what it takes, instead of doing it.
  const fixed = scripts[script]?.split(file)[1]?.split(" ").filter(Boolean) ?? [];
  process.env.KVM_MIGRATION_TESTBED_COMPLETION = "yes";
  process.argv = [process.argv[0] ?? "", file, ...fixed, ...rest.slice(dashes + 1)];
  await import(resolve(file));
}

function say(candidates: readonly string[]): void {
  for (const candidate of candidates) console.log(candidate);
}
