import { expect, test } from "vitest";
import {
  boots,
  type MigrationMode,
  migrationModes,
  modes,
  movesRunning,
  savesMemory,
  traitsOf,
} from "../../../moves/modes.ts";
import { type MigrationOptions, mayUsePostcopy, recordedOptions, toRecord } from "../../../moves/options.ts";

test("a guest's memory is sent, saved or left behind, and a mode is one of these", () => {
  const by = (is: (mode: string) => boolean) => migrationModes.filter(is);
  expect([by(movesRunning), by(savesMemory), by(boots)]).toEqual([
    ["live", "postcopy", "hybrid"],
    ["offline"],
    ["cold"],
  ]);
  for (const word of ["auto", "toString", ""]) {
    expect([movesRunning(word), savesMemory(word), boots(word)]).toEqual([false, false, false]);
  }
});

test("memory that is sent goes before the switchover, after it, or both", () => {
  for (const mode of migrationModes) {
    const { precopy, postcopy } = traitsOf(mode);
    expect(precopy || postcopy === "always", mode).toBe(movesRunning(mode));
  }
});

test("post-copy is what the mode does, or what a live move ends by after its time", () => {
  const may = (onTimeout?: MigrationOptions["onTimeout"]) =>
    (["auto", ...migrationModes] as const).filter((mode) => mayUsePostcopy({ mode, onTimeout }));
  expect(may()).toEqual(["postcopy", "hybrid"]);
  expect(may("suspend")).toEqual(["postcopy", "hybrid"]);
  expect(may("postcopy")).toEqual(["live", "postcopy", "hybrid"]);
});

test("an option that a mode does not have is of another mode", () => {
  const known = new Set(migrationModes.flatMap((mode: MigrationMode) => traitsOf(mode).options));
  expect([...known].sort()).toEqual(traitsOf("hybrid").options.toSorted());
  expect(modes.cold.options).toEqual([]);
});

test("a record keeps of the options what changes how long a move takes, in an order of its own", () => {
  const options: MigrationOptions = {
    port: 50_000,
    timeoutMs: 1000,
    mode: "hybrid",
    probeIntervalMs: 5,
    hybrid: { afterPasses: 2 },
    compression: undefined,
  };
  expect(JSON.stringify(toRecord(options))).toBe('{"hybrid":{"afterPasses":2},"timeoutMs":1000}');
});

test("options of another version's record can be read, whatever its limits were, and nonsense cannot", () => {
  const others = { timeoutMs: 1, maxDowntimeMs: 0.5, bandwidthMiBps: 2_000_000, hybrid: { afterMs: 0 } };
  expect(recordedOptions.parse({ ...others, later: true })).toEqual(others);
  for (const wrong of [
    { timeoutMs: -1 },
    { transport: "pigeon" },
    { hybrid: 3 },
    { autoConverge: { initial: "a" } },
  ]) {
    expect(recordedOptions.safeParse(wrong).success).toBe(false);
  }
});
