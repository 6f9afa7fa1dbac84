import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HostCounters, parseCounters } from "../../../../migration/sampling/samplers.ts";

const program = "migration/sampling/sampler.py";
let root: string;
const zone = () => join(root, "sys/class/powercap/intel-rapl:0");
const guests = () => join(root, "run/libvirt/qemu");

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sampler-"));
  await mkdir(guests(), { recursive: true });
  await mkdir(zone(), { recursive: true });
  await writeFile(join(zone(), "name"), "package-0\n");
  await writeFile(join(zone(), "max_energy_range_uj"), "1000\n");
  await writeFile(join(zone(), "energy_uj"), "900\n");
});
afterAll(() => rm(root, { recursive: true }));

/** What it tells, until something is so. */
async function sampled(guest: string, until: (told: HostCounters[]) => boolean): Promise<HostCounters[]> {
  const child = spawn("python3", ["-I", "-S", program, guest, "127.0.0.1", "50", root]);
  const told: HostCounters[] = [];
  try {
    for await (const chunk of child.stdout) {
      told.push(
        ...String(chunk)
          .split("\n")
          .flatMap((line) => parseCounters(line) ?? []),
      );
      if (until(told)) break;
    }
  } finally {
    child.kill();
  }
  return told;
}

describe("the sampler, on this machine", () => {
  test("tells of a host and of a process that is a guest's QEMU, in counters that only grow", async () => {
    // A virtual CPU's thread is known by its name.
    const busy = spawn("bash", ["-c", 'echo "CPU 0/TCG" > /proc/self/comm; while :; do :; done']);
    await writeFile(join(guests(), "vm1.pid"), `${busy.pid}`);
    try {
      const told = await sampled("vm1", (all) => all.length > 5 && (all.at(-1)?.vcpuMs?.[0] ?? 0) >= 50);
      const [first, last] = [told[0], told.at(-1)] as [HostCounters, HostCounters];
      expect(last.at).toBeGreaterThan(first.at);
      expect(last.hostCpuMs as number).toBeGreaterThan(first.hostCpuMs as number);
      expect(last.qemuCpuMs).toBe(last.vcpuMs?.[0]);
      expect(last.sentBytes).toBeGreaterThanOrEqual(first.sentBytes as number);
      expect(last.receivedBytes).toBeDefined();
    } finally {
      busy.kill();
    }
  });

  test("tells of energy where there is a counter, which begins anew at its end", async () => {
    let isBegun = false;
    const told = await sampled("vm2", (all) => {
      if (!isBegun) void writeFile(join(zone(), "energy_uj"), "150\n");
      isBegun = true;
      return (all.at(-1)?.energyJ ?? 0) > 0;
    });
    expect(told[0]?.energyJ).toBe(0);
    expect(told.at(-1)?.energyJ).toBe(0.00025);
    // No such guest runs here.
    expect(told.every((each) => !("qemuCpuMs" in each) && !("vcpuMs" in each))).toBe(true);
  });

  test("ends when nobody reads it, and says how it is used", () => {
    const { status } = spawnSync(
      "bash",
      ["-c", `python3 ${program} vm1 127.0.0.1 50 | head -1; exit \${PIPESTATUS[0]}`],
      {
        timeout: 20_000,
      },
    );
    expect(status).toBe(0);
    expect(spawnSync("python3", [program], { encoding: "utf8" }).stderr).toContain("GUEST PEER");
  });
});
