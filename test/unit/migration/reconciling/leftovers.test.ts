import { describe, expect, test } from "vitest";
import type { Sighting } from "../../../../libvirt/sighting.ts";
import { changesOf, leftoversOf } from "../../../../migration/reconciling/leftovers.ts";

const on = (host: string, state: Sighting["state"], persistent = state !== "absent"): Sighting => ({
  host,
  state,
  reason: "",
  persistent,
});

describe("how a guest that runs is defined", () => {
  test("where it runs, and nowhere else", () => {
    expect(leftoversOf([on("host1", "running"), on("host2", "absent")])).toEqual({
      runsOn: "host1",
      isUndefinedThere: false,
      definedOn: [],
    });
  });

  test("elsewhere, and not where it runs", () => {
    expect(
      leftoversOf([on("host1", "inactive"), on("host2", "running", false), on("host3", "inactive")]),
    ).toEqual({ runsOn: "host2", isUndefinedThere: true, definedOn: ["host1", "host3"] });
  });

  test.each([
    ["is off", [on("host1", "inactive"), on("host2", "inactive")]],
    [
      "is paused, and may need what is at its source",
      [on("host1", "inactive"), on("host2", "paused", false)],
    ],
    [
      "has a copy that waits",
      [on("host1", "running"), on("host2", "paused", false), on("host3", "inactive")],
    ],
  ])("nothing is said of one that %s", (_what, sightings) => {
    expect(leftoversOf(sightings)).toBeUndefined();
  });
});

test("what is to be done about it, in words", () => {
  const amends = (...sightings: Sighting[]) => changesOf(leftoversOf(sightings));
  expect(amends(on("host1", "running"), on("host2", "absent"))).toBeUndefined();
  expect(amends(on("host1", "inactive"))).toBeUndefined();
  expect(amends(on("host1", "inactive"), on("host2", "running"), on("host3", "inactive"))).toBe(
    "its definition will be removed from host1 and host3, where it does not run",
  );
  expect(amends(on("host1", "inactive"), on("host2", "running", false))).toBe(
    "its definition will be written on host2, where it runs without one, and removed from host1, where it does not run",
  );
});
