import { expect, test } from "vitest";
import { awayOf } from "../../../moves/away.ts";

test("how long guests were away is what their clients saw, or else the hypervisors; what nobody measured is counted apart", () => {
  const moves = [
    { guest: "vm1", clientDowntimeMs: 200, downtimeMs: 150 },
    { guest: "vm2", downtimeMs: 40 },
    { guest: "vm1" },
    { guest: "vm1", downtimeMs: 1000 },
  ];
  expect(awayOf(moves)).toEqual([
    { guest: "vm1", moves: 3, awayMs: 1200, unmeasured: 1 },
    { guest: "vm2", moves: 1, awayMs: 40, unmeasured: 0 },
  ]);
  expect(awayOf([])).toEqual([]);
});
