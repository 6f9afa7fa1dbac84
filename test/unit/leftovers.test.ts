import { describe, expect, test } from "vitest";
import type { Sighting } from "../../libvirt/sighting.ts";
import { leftoversOf } from "../../migration/leftovers.ts";

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
