import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostCommand, hostScript } from "../../../hosts/script.ts";
import { installScripts } from "../helpers/host-scripts.ts";

// The script that says whose a machine is, under bash, with a folder in the place of the machine's own.

let root: string;
let claim: string;
let scripts: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "claim-"));
  claim = join(root, "var/lib/kvm-migration-testbed/claim");
  scripts = installScripts(join(root, "scripts"));
});
afterEach(() => rm(root, { recursive: true }));

function run(testbed: string, action: "apply" | "remove" = "apply") {
  const work = { apply: ["claim"], remove: ["claim"] } as const;
  const script = hostScript(work, { CLAIM: claim, TESTBED: testbed }, scripts);
  return new Promise<{ code: number; stderr: string }>((resolve) => {
    const child = execFile("sh", ["-c", hostCommand(action, "root")], (error, _stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stderr }),
    );
    child.stdin?.end(script);
  });
}
const owner = async () => (await readFile(claim, "utf8")).trim();

test("a machine that belongs to nobody is claimed, and doing it again changes nothing", async () => {
  expect(await run("mine SHA256:abc")).toEqual({ code: 0, stderr: "" });
  expect(await run("mine SHA256:abc")).toEqual({ code: 0, stderr: "" });
  expect(await owner()).toBe("mine SHA256:abc");
  expect(await readdir(dirname(claim))).toEqual(["claim"]);
});

test.each(["mine SHA256:other", "yours SHA256:abc"])(
  "a machine of another testbed is refused, with whose it is and the way out: %s",
  async (other) => {
    await run(other);
    const { code, stderr } = await run("mine SHA256:abc");
    expect(code).toBe(1);
    expect(stderr).toContain(`this machine belongs to the testbed ${other}`);
    expect(stderr).toContain(`pulumi destroy --stack ${other.split(" ")[0]})`);
    expect(stderr).toContain(`remove ${claim} on this machine`);
    expect(await owner()).toBe(other);
    expect(await readdir(dirname(claim))).toEqual(["claim"]);
  },
);

test("nothing runs after a refusal", async () => {
  await run("yours SHA256:abc");
  const script = hostScript(
    { apply: ["claim", "packages"] },
    { CLAIM: claim, TESTBED: "mine SHA256:abc" },
    scripts,
  );
  const stderr = await new Promise<string>((resolve) => {
    execFile("sh", ["-c", hostCommand("apply", "root")], (_error, _out, err) => resolve(err)).stdin?.end(
      script,
    );
  });
  // It would miss its variables.
  expect(stderr).not.toContain("NEEDS");
});

test("of many that claim a machine at once, one gets it", async () => {
  const testbeds = Array.from({ length: 8 }, (_, index) => `mine SHA256:${index}`);
  const codes = await Promise.all(testbeds.map(async (testbed) => (await run(testbed)).code));
  expect(codes.filter((code) => code === 0)).toHaveLength(1);
  expect(await owner()).toBe(testbeds[codes.indexOf(0)]);
  expect(await readdir(dirname(claim))).toEqual(["claim"]);
});

test("the scripts go with the claim", async () => {
  await run("mine SHA256:abc");
  const beside = installScripts(join(dirname(claim), "scripts"));
  scripts = beside;
  expect(await run("mine SHA256:abc", "remove")).toEqual({ code: 0, stderr: "" });
  expect(await readdir(join(root, "var/lib"))).toEqual([]);
});

test("a claim goes with its testbed, and the folder unless something else is in it", async () => {
  await run("mine SHA256:abc");
  await writeFile(join(dirname(claim), "other"), "");
  expect(await run("mine SHA256:abc", "remove")).toEqual({ code: 0, stderr: "" });
  expect(await readdir(dirname(claim))).toEqual(["other"]);
  await rm(join(dirname(claim), "other"));
  await run("mine SHA256:abc");
  await run("mine SHA256:abc", "remove");
  expect(await readdir(join(root, "var/lib"))).toEqual([]);
  expect(await run("mine SHA256:abc", "remove")).toEqual({ code: 0, stderr: "" });
});

test("another testbed's claim stays when this one goes", async () => {
  await mkdir(dirname(claim), { recursive: true });
  await writeFile(claim, "yours SHA256:abc\n");
  expect(await run("mine SHA256:abc", "remove")).toEqual({ code: 0, stderr: "" });
  expect(await owner()).toBe("yours SHA256:abc");
});
