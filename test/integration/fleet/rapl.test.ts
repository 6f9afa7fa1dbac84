import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseRapl, raplQuestion } from "../../../fleet/rapl.ts";

// The kernel's tree of counters, made up in a folder, and read by a real shell.

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "powercap-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function zone(name: string, called: string, energy: number, most = 1_000_000_000): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "name"), `${called}\n`);
  writeFileSync(join(folder, name, "energy_uj"), `${energy}\n`);
  writeFileSync(join(folder, name, "max_energy_range_uj"), `${most}\n`);
}
const asked = () => execFileSync("bash", ["-c", raplQuestion(folder)], { encoding: "utf8" });

test("a host without counters says nothing, at once", () => {
  expect(asked()).toBe("");
  expect(parseRapl(asked())).toBeUndefined();
});

test("packages are read twice, and no other zones", async () => {
  zone("intel-rapl:0", "package-0", 1_000_000);
  zone("intel-rapl:1", "package-1", 2_000_000);
  zone("intel-rapl:0:0", "dram", 5);
  zone("intel-rapl:2", "psys", 7);
  const shell = spawn("bash", ["-c", raplQuestion(folder)]);
  let printed = "";
  shell.stdout.on("data", (part: Buffer) => {
    // Counters go on between the looks.
    if (printed === "") {
      zone("intel-rapl:0", "package-0", 31_000_000);
      zone("intel-rapl:1", "package-1", 22_000_000);
    }
    printed += part.toString();
  });
  await new Promise((resolve) => shell.on("close", resolve));
  expect(printed).not.toMatch(/dram|psys/);
  const watts = parseRapl(printed) as number;
  // 50 J in a second and a little more.
  expect(watts).toBeLessThanOrEqual(50);
  expect(watts).toBeGreaterThan(5);
});

test("a counter that began anew has gone on", () => {
  const looks =
    "first 100.000000 package-0 990000000 1000000000\nthen 101.000000 package-0 10000000 1000000000\n";
  expect(parseRapl(looks)).toBeCloseTo(20);
});

test.each([
  ["only one look", "first 100.000000 package-0 1 10\n"],
  [
    "one package twice, the other once",
    "first 1.0 package-0 1 9\nfirst 1.0 package-1 1 9\nthen 2.0 package-0 2 9\n",
  ],
  ["a clock that stood", "first 1.0 package-0 1 9\nthen 1.0 package-0 2 9\n"],
  ["something else", "bash: read: permission denied\n"],
])("%s is no figure", (_, printed) => expect(parseRapl(printed)).toBeUndefined());
