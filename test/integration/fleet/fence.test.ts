import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { isRememberedOff, notedOff } from "../../../fleet/host-off.ts";
import { type FailoverInputs, failoverResource } from "../../../provider/failover-resource.ts";
import { type FenceInputs, fenceResource } from "../../../provider/fence-resource.ts";
import { closeSessions } from "../../../ssh/session-pool.ts";
import { useLocalSsh } from "../helpers/local-ssh.ts";

// The proof that a lost host is off, by commands like a person's: real shells in a folder of this machine.

vi.mock("node:timers/promises", async (original) => {
  const real = await original<typeof import("node:timers/promises")>();
  return { ...real, setTimeout: (ms: number) => real.setTimeout(ms === 1_000 ? 10 : ms) };
});

/** What closing the export ends with; absent: it is proved. */
const closing: { reason?: string } = {};
const closed: unknown[] = [];
vi.mock("../../../fleet/fence-export.ts", () => ({
  closeExport: async (_storage: unknown, client: unknown) => {
    closed.push(client);
    return closing.reason;
  },
}));

const folder = useLocalSsh();
beforeAll(() => {
  // The last word but one is the address, as in `host2.test`.
  const ssh = `#!/bin/bash
    silent=${folder}/silent-\${@: -2:1}
    if [ -e $silent ]; then echo "ssh: connect to host x port 22: Connection timed out" >&2; exit 255; fi
    exec bash -c "\${@: -1}"`;
  writeFileSync(join(folder, "ssh"), ssh);
  chmodSync(join(folder, "ssh"), 0o755);
});

let count = 0;
const told: string[] = [];
beforeEach(() => {
  for (const file of readdirSync(folder)) if (/^(silent-|power|given)/.test(file)) rmSync(join(folder, file));
  count++;
  told.length = 0;
  closed.length = 0;
  delete closing.reason;
  vi.spyOn(console, "log").mockImplementation((line: string) => void told.push(line));
});
afterEach(closeSessions);

const put = (file: string, text = "") => writeFileSync(join(folder, file), text);
const given = () => (existsSync(join(folder, "given")) ? readFileSync(join(folder, "given"), "utf8") : "");
const ssh = (name: string) => ({ name, address: `${name}.test`, port: 22, user: "root" });
const storage = () => ({ ssh: ssh("storage"), intentDirectory: join(folder, `moves ${count}`) });
const commands = {
  off: 'echo off >> "$PLACE/given"; echo off > "$PLACE/power"',
  status: 'cat "$PLACE/power"',
};
const inputs = (
  own: FenceInputs["commands"] = commands,
  changes: Partial<FenceInputs> = {},
): FenceInputs => ({
  ...{ host: "host2", ssh: ssh("host2"), storage: storage(), commands: own, wakeSeconds: 2 },
  environment: { PLACE: folder },
  ...changes,
});
const reasonOf = async (work: Promise<unknown>) => String(await work.catch((error: Error) => error.message));

describe("a lost host", () => {
  beforeEach(() => put("silent-host2.test"));

  test("that is off is passed over from then on, without a command", async () => {
    put("power", "off");
    const { outs } = await fenceResource.create(inputs());
    expect(outs.proof).toBe("power");
    expect(Date.parse(outs.provedAt)).toBeGreaterThanOrEqual(Date.parse(outs.begunAt));
    expect([given(), await notedOff(storage()), isRememberedOff(storage(), "host2")]).toEqual([
      "",
      ["host2"],
      true,
    ]);
    expect(told).toEqual(["host2: is off, as its power.status says; its guests are started elsewhere"]);
  });

  test("that is on and does not answer is switched off first", async () => {
    put("power", "on");
    await fenceResource.create(inputs());
    expect([given(), await notedOff(storage())]).toEqual(["off\n", ["host2"]]);
  });

  test.each([
    ["has no status", { off: commands.off }, "a command that tells whether it is on (hosts[].power.status)"],
    ["can't be switched off", { status: commands.status }, "there is no command to switch it off"],
    ["does not go off", { ...commands, off: "true" }, "host2 was told to go off and is not off after 2 s"],
    [
      "has a status that fails",
      { ...commands, status: "echo no route >&2; exit 1" },
      "power.status of host2 failed",
    ],
    [
      "has a status without a word",
      { ...commands, status: "echo who knows" },
      "Whether host2 is on can't be told",
    ],
  ])("is not passed over if it %s, and what is missing is said", async (_, own, missing) => {
    put("power", "on");
    const reason = await reasonOf(fenceResource.create(inputs(own)));
    expect(reason).toMatch(
      /^It is not proved that host2 can write to no disk, so none of its guests was started elsewhere/,
    );
    expect(reason).toContain(missing);
    expect(reason).toContain("from which address it mounts the export is not known");
    expect(reason).toContain("npm run forget-host");
    expect(await notedOff(storage())).toEqual([]);
  });
});

describe("a lost host whose power proves nothing", () => {
  const mounts = { client: "10.0.0.2", server: "10.0.0.1", folder: "/export/testbed" };
  const failing = { ...commands, status: "echo no route >&2; exit 1" };
  beforeEach(() => put("silent-host2.test"));

  test("is passed over once the export is closed to it", async () => {
    const { outs } = await fenceResource.create(inputs(failing, { mounts }));
    expect([outs.proof, closed, await notedOff(storage())]).toEqual(["export", [mounts], ["host2"]]);
    expect(told).toEqual([
      expect.stringMatching(/^host2: its power proves nothing \(.*no route.*\); closing the export to it$/),
      "host2: may not be off, and its writes to the export are refused; its guests are started elsewhere",
    ]);
  });

  test("is not passed over if that is not proved, and both are said", async () => {
    closing.reason = "a write as 10.0.0.2 is not refused (written)";
    const reason = await reasonOf(fenceResource.create(inputs(failing, { mounts })));
    expect(reason).toMatch(
      /no route.*; the export could not be closed to it \(a write as 10\.0\.0\.2 is not refused/,
    );
    expect(await notedOff(storage())).toEqual([]);
  });

  test("keeps its export if it answers", async () => {
    rmSync(join(folder, "silent-host2.test"));
    await reasonOf(fenceResource.create(inputs(failing, { mounts })));
    expect(closed).toEqual([]);
  });

  test("keeps its export if its power proves that it is off", async () => {
    put("power", "off");
    await fenceResource.create(inputs(commands, { mounts }));
    expect(closed).toEqual([]);
  });
});

test("a host that answers is not switched off, whatever is said of it", async () => {
  put("power", "on");
  const reason = await reasonOf(fenceResource.create(inputs()));
  expect(reason).toMatch(
    /What is missing: it answers over SSH, so its guests may run; leave it out of testbed:lost/,
  );
  expect([given(), await notedOff(storage())]).toEqual(["", []]);
});

test("a proof holds as long as the host is lost", async () => {
  put("power", "off");
  const { id, outs } = await fenceResource.create(inputs());
  expect(await fenceResource.diff()).toEqual({ changes: false });
  expect(await fenceResource.read(id, outs)).toEqual({ id, props: outs });
  await fenceResource.delete();
  expect(await notedOff(storage())).toEqual(["host2"]);
});

describe("what a guest's failover took", () => {
  const home = process.cwd();
  let project = "";
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "failover-"));
    vi.spyOn(process, "cwd").mockReturnValue(project);
    process.chdir(project);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.chdir(home);
    rmSync(project, { recursive: true });
  });

  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
  const failover = (changes: Partial<FailoverInputs> = {}): FailoverInputs => ({
    ...{ guest: "vm2", from: "host2", to: "host1", ssh: ssh("host1"), proof: "power", stack: "mine" },
    ...{ begunAt: ago(9), provedAt: ago(4) },
    ...changes,
  });
  /** Since when its QEMU runs, as its host says. */
  const runsSince = (seconds: number | undefined) =>
    writeFileSync(
      join(folder, "stat"),
      `#!/bin/bash\n${seconds === undefined ? "exit 1" : `echo ${(Date.now() / 1000 - seconds).toFixed(3)}`}\n`,
      { mode: 0o755 },
    );
  const kept = () =>
    existsSync("results/mine.failovers.jsonl")
      ? readFileSync("results/mine.failovers.jsonl", "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [];

  test("is written down by its parts", async () => {
    runsSince(0.1);
    const { outs } = await failoverResource.create(failover({ begunAt: ago(5.5), provedAt: ago(0.5) }));
    expect(outs).toHaveProperty("record", kept()[0]);
    const { fencingMs, bootMs, firstAnswerMs, ...rest } = kept()[0];
    expect(rest).toMatchObject({ schema: 1, guest: "vm2", from: "host2", to: "host1", proof: "power" });
    expect(fencingMs).toBeGreaterThan(4990);
    expect(fencingMs).toBeLessThan(5010);
    expect(bootMs).toBeGreaterThan(300);
    expect(bootMs).toBeLessThan(500);
    expect(firstAnswerMs).toBeGreaterThanOrEqual(50);
    expect(told.at(-1)).toMatch(
      /^vm2: started on host1, as host2 is lost; proof 5\.0 s, start 0\.\d s, first answer \d+\.\d s$/,
    );
  });

  test("is written down as far as it is known: a later run has not seen the first answer, a host may not say", async () => {
    const earlier = { begunAt: ago(3605), provedAt: ago(3600) };
    runsSince(3598);
    await failoverResource.create(failover(earlier));
    runsSince(undefined);
    await failoverResource.create(failover(earlier));
    expect(kept().map((record) => Object.keys(record).filter((key) => key.endsWith("Ms")))).toEqual([
      ["fencingMs", "bootMs"],
      ["fencingMs"],
    ]);
  });

  test("has no first answer where a former copy may have given it", async () => {
    runsSince(0.1);
    await failoverResource.create(failover({ proof: "export", begunAt: ago(5.5), provedAt: ago(0.5) }));
    expect(kept()[0]).toHaveProperty("bootMs");
    expect(kept()[0]).not.toHaveProperty("firstAnswerMs");
  });

  test("is nothing for a guest that ran elsewhere all the time", async () => {
    runsSince(3600);
    const { outs } = await failoverResource.create(failover());
    expect(outs).not.toHaveProperty("record");
    expect([kept(), told]).toEqual([[], []]);
  });
});
