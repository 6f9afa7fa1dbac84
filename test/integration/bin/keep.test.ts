import { execa } from "execa";
import { describe, expect, it } from "vitest";

const keep = (args: readonly string[]) =>
  execa(process.execPath, ["bin/keep.ts", ...args], { reject: false });

describe("npm run keep", () => {
  it("helps without asking anybody", async () => {
    const { stdout, stderr, exitCode } = await keep(["--help"]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/^Usage: npm run keep -- STACK[\s\S]*--silences <n>/);
  });

  it.each([
    [["lab", "--every", "1"], "It takes seconds, 5 or more"],
    [["lab", "--silences", "1.5"], "It takes a whole number, 1 or more"],
    [[], "missing required argument 'stack'"],
    [["one", "two"], "too many arguments"],
    [["lab", "--evry", "5"], "(Did you mean --every?)"],
  ])("refuses %j before it looks at anything, and says what it takes", async (args, message) => {
    const { stdout, stderr, exitCode } = await keep(args);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain(message);
    expect(stderr).toContain("npm run keep -- --help");
  });
});
