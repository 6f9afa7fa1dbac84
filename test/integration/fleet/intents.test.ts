import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Intent, readIntent, readIntents } from "../../../fleet/intent.ts";
import type { SshSession } from "../../../ssh/session.ts";

// All intent records at once, from real folders, as each alone.

const uuids = Array.from({ length: 6 }, (_, i) => `1b7159b2-c702-5eb0-be68-${String(i).padStart(12, "0")}`);
let root: string;
let folders: [string, string];
const storage = {
  target: { name: "storage" },
  run: async (_doing: string, script: string) => execa("bash", ["-c", script]),
} as unknown as SshSession;

const intentOf = (uuid: string, from: string): Intent => ({
  schema: 1,
  guest: "vm1",
  uuid,
  from,
  to: "host2",
  mode: "live",
  phase: "begun",
  startedAt: "2026-11-29T12:00:00Z",
});

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "testbed intents-"));
  folders = [join(root, "it's own"), join(root, "former")];
  await execa("mkdir", folders);
  const write = (folder: string, index: number, text: string) =>
    writeFile(join(folder, `${uuids[index]}.json`), text);
  const [own, former] = folders;
  await write(own, 0, `${JSON.stringify(intentOf(uuids[0] as string, "host1"))}\n`);
  await write(own, 1, "{ torn");
  await write(own, 2, "");
  await write(former, 2, JSON.stringify(intentOf(uuids[2] as string, "host3")));
  await write(former, 0, JSON.stringify(intentOf(uuids[0] as string, "host9")));
  await write(former, 3, "==== \n");
  await writeFile(join(own, `${uuids[4]}.json.lock`), "held");
});
afterAll(() => rm(root, { recursive: true }));

const outcome = async (asked: () => unknown) => {
  try {
    return await asked();
  } catch (error) {
    return (error as Error).message;
  }
};

test("each is what reading it alone gives, be it torn, empty, absent or in the former folder", async () => {
  const all = await readIntents(storage, ...folders);
  const [own, former] = folders;
  const outcomes = await Promise.all(
    uuids.map(async (uuid) => [
      await outcome(() => all(uuid)),
      await outcome(() => readIntent(storage, join(own, `${uuid}.json`), join(former, `${uuid}.json`))),
    ]),
  );
  const kinds = outcomes.map(([one]) => (typeof one === "string" ? "refused" : (one as Intent)?.from));
  expect(kinds).toEqual(["host1", "refused", "host3", "refused", undefined, undefined]);
  for (const [one, alone] of outcomes.filter(([each]) => typeof each !== "string"))
    expect(one).toEqual(alone);
});

test("folders that are not there have none", async () => {
  const all = await readIntents(storage, join(root, "nowhere"));
  expect(all(uuids[0] as string)).toBeUndefined();
});
