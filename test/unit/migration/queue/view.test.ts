import { expect, test } from "vitest";
import { QueueView } from "../../../../migration/queue/view.ts";

const entry = {
  guest: "a",
  uuid: "a",
  from: "host1",
  to: "host2",
  memoryMiB: 512,
  sizeMiB: 512,
  perHost: 2,
  moving: false,
};
const line = JSON.stringify(entry);

test.each([
  ["nothing", ""],
  ["one that is torn", line.slice(0, 30)],
  ["one that is torn behind an inner brace", `${line.slice(0, -1)},"more":{}`],
  ["one of another version", JSON.stringify({ ...entry, perHost: undefined })],
  ["one of another kind", "null"],
  ["an error", "bash: line 1: printf: write error: No space left on device"],
])("%s beside an entry is no entry, and ends nothing", (_what, other) => {
  const view = new QueueView();
  for (const each of [other, line, "--"]) view.read(each);
  expect(view).toMatchObject({ entries: [entry], version: 1 });
});

test("what the storage host says beside a look is kept: it may be why it ended", () => {
  const view = new QueueView();
  for (const each of ["printf: No space left on device", "! no room for the file"]) view.read(each);
  expect(view.said).toBe("printf: No space left on device; no room for the file");
});
