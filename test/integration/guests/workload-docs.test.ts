import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

test("the workload that the docs show how to add runs as it is shown, with the settings that are shown", async () => {
  const page = read("docs/workloads.md");
  const [, program] = /```python\n(.*?)```/s.exec(page) ?? [];
  const [, said] = /echo '(\{.*?\})' > \/tmp\/compress\.json/.exec(page) ?? [];
  const folder = mkdtempSync(join(tmpdir(), "compress-"));
  const progress = join(folder, "run", "progress.jsonl");
  cpSync(new URL("../../../guests/workload", import.meta.url), folder, { recursive: true });
  writeFileSync(join(folder, "compress.py"), program as string);
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ ...JSON.parse(said as string), progress }));
  const args = [join(folder, "main.py"), "run", join(folder, "settings.json")];
  const running = spawn("python3", args, { stdio: "ignore" });
  try {
    const lines = () => (existsSync(progress) ? readFileSync(progress, "utf8").split("\n").slice(0, -1) : []);
    for (let waited = 0; lines().length < 1 && waited < 200; waited++) await setTimeout(100);
    const [line] = lines();
    expect(JSON.parse(line as string)).toMatchObject({ unit: "MiB", operations: expect.any(Number) });
    expect(JSON.parse(line as string).operations).toBeGreaterThan(0);
  } finally {
    running.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}, 60_000);
