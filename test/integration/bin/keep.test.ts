import { execa } from "execa";
import { describe, expect, it } from "vitest";

const keep = (args: readonly string[]) =>
  execa(process.execPath, ["bin/keep.ts", ...args], { reject: false });

describe("npm run keep", () => {
  it("helps without asking anybody", async () => {
    const { stdout, stderr, exitCode } = await keep(["--help"]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/^npm run keep -- STACK[\s\S]*--silences N/);
  });

  it("refuses all that is wrong with its arguments at once", async () => {
    const { stdout, stderr, exitCode } = await keep(["--every", "1", "--silences", "1.5"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toBe(
      "say one stack\n--every takes seconds, 5 or more\n--silences takes a whole number, 1 or more",
    );
    expect((await keep(["one", "two"])).stderr).toBe("say one stack");
    expect((await keep(["--evry", "5"])).stderr).toContain("--evry");
  });
});
