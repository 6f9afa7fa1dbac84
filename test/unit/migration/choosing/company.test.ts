import { expect, test } from "vitest";
import { besideQueued } from "../../../../migration/choosing/company.ts";
import type { MigrationRequest } from "../../../../migration/context/migration-request.ts";

const entry = (uuid: string, to = "host2", perHost = 4) => ({
  uuid,
  from: "host1",
  to,
  sizeMiB: 512,
  perHost,
});
const asked = (changes: Partial<MigrationRequest> = {}) =>
  ({ guest: "vm1", uuid: "own", to: "host2", options: { mode: "live" }, ...changes }) as MigrationRequest;
const others = (request: MigrationRequest, ...queue: ReturnType<typeof entry>[]) =>
  besideQueued(request, [entry("own"), ...queue]).others;

test("a move shares with those of the queue, which may be other runs', whether they move or wait", () => {
  expect(others(asked())).toBeUndefined();
  expect(others(asked(), entry("one"), entry("two", "host3"))).toBe(2);
});

test("it shares with those that its update will make, although they are not in the queue yet", () => {
  expect(others(asked({ others: 2 }))).toBe(2);
  expect(others(asked({ others: 2 }), entry("one"))).toBe(2);
  expect(others(asked({ others: 2 }), entry("one"), entry("two"), entry("three"))).toBe(3);
});

test("a guest that is shut down and booted shares with none", () => {
  expect(others(asked({ options: { mode: "cold" } }), entry("one"))).toBeUndefined();
});
