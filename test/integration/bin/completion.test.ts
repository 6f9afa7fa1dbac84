import { Command, Option } from "commander";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { completions } from "../../../report/text/completion.ts";

const program = new Command("x")
  .argument("<stack>")
  .argument("[host...]")
  .option("-s, --stack <stack>")
  .addOption(new Option("--mode <mode>").choices(["live", "offline"]))
  .option("--once");
const sources = { stack: async () => ["lab", "metal"], host: async () => ["host1", "host2"] };

test.each([
  [[""], ["lab", "metal"]],
  [["l"], ["lab"]],
  [
    ["lab", ""],
    ["host1", "host2"],
  ],
  [
    ["lab", "host1", "host"],
    ["host1", "host2"],
  ],
  [["--"], ["--stack", "--mode", "--once", "--help"]],
  [
    ["--once", "--"],
    ["--stack", "--mode", "--help"],
  ],
  [["--mode", "o"], ["offline"]],
  [["-s", "m"], ["metal"]],
  [["--stack", "lab", "la"], ["lab"]],
  [
    ["--nothing", "such", ""],
    ["host1", "host2"],
  ],
  [[], ["lab", "metal"]],
])("what %j may become: %j", async (words, found) => {
  expect(await completions(program, words, sources)).toEqual(found);
});

// What each shell makes of it, for real.
const bashlike = (words: string) => `source bin/completion/npm.bash
COMP_WORDS=(${words}) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _kvm_migration_testbed; printf '%s\\n' "\${COMPREPLY[@]}"`;
const shells: Record<string, (words: string) => string> = {
  bash: bashlike,
  // As its bashcompinit calls such functions.
  zsh: (words) => bashlike(words).replace("\n", "\nsetopt ksharrays\n"),
  fish: (words) => `source bin/completion/npm.fish; complete -C "${words.replaceAll("''", "")}"`,
};
const isThere = async (shell: string) =>
  (await execa(shell, ["-c", "true"], { reject: false })).exitCode === 0;

for (const [shell, script] of Object.entries(shells))
  describe.skipIf(!(await isThere(shell)))(shell, () => {
    const complete = async (words: string) => {
      const { stdout } = await execa(shell, ["-c", script(words)], { reject: false });
      return stdout.split("\n").map((line) => line.split("\t")[0]);
    };

    test.each([
      ["npm run mov", ["move"]],
      ["npm run -s results -- --cs", ["--csv"]],
      ["npm run move -- --stack ''", expect.arrayContaining(["lab", "metal"])],
      ["npm run experiment -- pap", ["paper"]],
    ])("%s", async (words, found) => {
      expect(await complete(words)).toEqual(found);
    });

    test("leaves npm's other commands alone", async () => {
      expect(await complete("npm install --csv")).not.toContain("--csv");
    });
  });
