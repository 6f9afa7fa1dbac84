import { expect, test } from "vitest";
import { isBack, serves } from "../../../bin/host-life.ts";

const before = { boot: "a-1", state: "running" };

test("a host serves when systemd and libvirt do; a unit that failed is its own affair", () => {
  const states = [
    "running",
    "degraded",
    "starting",
    "stopping",
    "maintenance",
    "running-without-libvirt",
    "",
  ];
  expect(states.filter((state) => serves({ boot: "a-1", state }))).toEqual(["running", "degraded"]);
});

test.each([
  ["stayed up", { boot: "a-1", state: "running" }, false, true],
  ["is silent", undefined, false, false],
  ["goes down and still answers", { boot: "a-1", state: "running" }, true, false],
  ["booted", { boot: "a-2", state: "running" }, true, true],
  ["booted before it was seen going down", { boot: "a-2", state: "degraded" }, false, true],
  ["boots", { boot: "a-2", state: "starting" }, true, false],
] as const)("a host that %s", (_, now, goesDown, back) => {
  expect(isBack(now, goesDown, before)).toBe(back);
});
