import { describe, expect, test } from "vitest";
import { PreflightFailed } from "../../migration/preflight/check.ts";
import { memoryCheck } from "../../migration/preflight/memory.ts";
import { emulationCheck } from "../../migration/preflight/platform.ts";

describe("before anything is touched", () => {
  test("the destination needs the guest's memory and a little more", () => {
    expect(memoryCheck("host2", 576, 512)).toEqual({
      check: "memory",
      verdict: "pass",
      detail: "host2 has 576 MiB available, 576 MiB are needed",
    });
    expect(memoryCheck("host2", 575, 512).verdict).toBe("fail");
    // Large guests need more beside their memory: page tables and the like grow with it.
    expect(memoryCheck("host2", 8192 + 409, 8192).verdict).toBe("fail");
    expect(memoryCheck("host2", 8192 + 410, 8192).verdict).toBe("pass");
  });

  test.each([
    ["tcg", "7.2.22", "fail"],
    ["tcg", "8.2.2", "fail"],
    ["tcg", "9.0.0", "pass"],
    ["tcg", "10.0.2", "pass"],
    ["tcg", "unknown", "fail"],
    ["kvm", "7.2.22", "pass"],
  ] as const)("a running guest's memory is copied under %s of QEMU %s: %s", (accelerator, qemu, verdict) => {
    expect(emulationCheck(accelerator, "host1", qemu).verdict).toBe(verdict);
  });

  test("what fails is said, all of it", () => {
    const checks = [
      memoryCheck("host2", 1, 512),
      emulationCheck("tcg", "host1", "7.2"),
      memoryCheck("host2", 9999, 1),
    ];
    const error = new PreflightFailed("vm1", "host2", checks);
    expect(error.message).toMatch(
      /^Guest vm1 cannot move to host2; nothing was changed\.\n {2}memory: host2 has 1 MiB.*\n {2}memory copy: QEMU 7\.2 on host1 emulates/,
    );
    expect(error.message).not.toContain("9999");
    expect(error.checks).toBe(checks);
  });
});
