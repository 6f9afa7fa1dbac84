import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quote } from "../../../ssh/quote.ts";

test("a real shell reads a quoted word as it is", () => {
  const special = [..."'\"\\$`!*?[]{}()<>|&;~#=%^ \t\n-", "a", "é", "😀", "$(id)", "${HOME}"];
  const word = fc.array(fc.constantFrom(...special)).map((parts) => parts.join(""));
  // One shell for all of them: it prints a NUL after each.
  const words = fc.sample(word, 500);
  const printed = execFileSync("/bin/sh", ["-c", `printf '%s\\0' ${words.map(quote).join(" ")}`]);
  expect(printed.toString().split("\0").slice(0, -1)).toEqual(words);
});

test("a quoted script may quote in turn", () => {
  const inner = `printf %s ${quote("it's $HOME")}`;
  expect(execFileSync("/bin/sh", ["-c", `sh -c ${quote(inner)}`]).toString()).toBe("it's $HOME");
});
