import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

// limits.sh on files like a control group's, without a container.

const root = join(import.meta.dirname, "..", "..", "..");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "limits-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** @param groups where a controller's files are; empty: the machine has none */
function hold(limits: Record<string, string>, groups: string, before = "") {
  const script = `set -euo pipefail
    die() { echo "$*" >&2; exit 1; }
    host_dir=${folder} unit=testbed-lab-host1
    . lab/limits.sh
    has_systemd() { false; }
    controller_group() { echo "${groups}"; }
    ${before}
    refuse_too_little
    hold_limits`;
  return execFileSync("bash", ["-c", script], {
    cwd: root,
    encoding: "utf8",
    env: { PATH: process.env.PATH, ...limits },
    stdio: "pipe",
  }).trim();
}
const put = (file: string, text = "") => writeFileSync(join(folder, file), text);
const read = (file: string) => readFileSync(join(folder, file), "utf8").trim();
const both = { LAB_MEMORY_MIB: "600", LAB_CPUS: "1.5" };

describe("a container's limits", () => {
  test("are written in version 1's terms, and taken back", () => {
    for (const file of ["memory.limit_in_bytes", "cpu.cfs_period_us", "cpu.cfs_quota_us"]) put(file);
    expect(hold(both, folder)).toBe("memory held, cpus held");
    expect([read("memory.limit_in_bytes"), read("cpu.cfs_quota_us"), read("cpu.cfs_period_us")]).toEqual([
      String(600 * 2 ** 20),
      "15000",
      "10000",
    ]);
    expect(hold({ LAB_CPUS: "0.1" }, folder)).toBe("cpus held");
    expect([read("memory.limit_in_bytes"), read("cpu.cfs_quota_us")]).toEqual(["-1", "1000"]);
    expect(hold({}, folder)).toBe("");
    expect(read("cpu.cfs_quota_us")).toBe("-1");
  });

  test("are written in version 2's terms, and taken back", () => {
    for (const file of ["memory.max", "cpu.max"]) put(file);
    expect(hold(both, folder)).toBe("memory held, cpus held");
    expect([read("memory.max"), read("cpu.max")]).toEqual([String(600 * 2 ** 20), "15000 10000"]);
    expect(hold({}, folder)).toBe("");
    expect([read("memory.max"), read("cpu.max")]).toEqual(["max", "max 10000"]);
  });

  test("are not touched where there never were any", () => {
    put("memory.max", "someone's");
    put("cpu.max", "someone's");
    expect(hold({}, folder)).toBe("");
    expect([read("memory.max"), read("cpu.max")]).toEqual(["someone's", "someone's"]);
  });

  test("are said not to be held where the machine has no control groups, or they refuse", () => {
    expect(hold(both, "")).toBe(
      "memory not held: this machine has no control groups for memory, cpus not held: this machine has no control groups for cpu",
    );
    const refusing = 'hold_memory() { echo "write error: Device or resource busy" >&2; return 1; }';
    put("cpu.max");
    expect(hold(both, folder, refusing)).toBe(
      "memory not held: write error: Device or resource busy, cpus held",
    );
  });

  test.each(["total_rss", "anon"])("are refused below what the guests have taken (%s)", (key) => {
    put("memory.max");
    put("cpu.max");
    put("memory.stat", `file 99999999999\n${key} ${700 * 2 ** 20}\n`);
    expect(() => hold(both, folder)).toThrow(
      /it is to have 600 MiB at most \(hosts\[\]\.memoryMiB\), and has taken 700 MiB, with its guests\. Nothing was limited/,
    );
    expect(read("memory.max")).toBe("");
    expect(hold({ LAB_MEMORY_MIB: "700" }, folder)).toBe("memory held");
  });
});
