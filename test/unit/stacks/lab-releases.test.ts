import { expect, test } from "vitest";
import { parseStackConfig } from "../../../stacks/checks/parse.ts";
import { checkReleases } from "../../../stacks/lab-releases.ts";
import { planStack } from "../../../stacks/plan.ts";
import { labInput, metalInput } from "../helpers/config-stack.ts";

const planned = (input = labInput()) => planStack(parseStackConfig(input, "lab"), "lab");
const releases = ({ storage, hosts }: ReturnType<typeof planned>) =>
  [storage, ...hosts].map(({ release }) => release);
const mixed = [{ name: "host1" }, { name: "host2", release: "debian-13" as const }];

test("a lab's release is that of all its hosts and of its storage host, but for those that have their own", () => {
  expect(releases(planned(labInput({ lab: { release: "debian-13" } })))).toEqual([
    "debian-13",
    "debian-13",
    "debian-13",
  ]);
  const hosts = [{ name: "host1", release: "debian-12" as const }, { name: "host2" }];
  expect(releases(planned(labInput({ lab: { release: "debian-13" }, hosts })))).toEqual([
    "debian-13",
    undefined,
    "debian-13",
  ]);
  expect(releases(planned(labInput({ hosts: mixed })))).toEqual([undefined, undefined, "debian-13"]);
});

test("the one by default is said of no host, so that a stack from before sees no change", () => {
  expect(releases(planned(labInput({ lab: { release: "debian-12" } })))).toEqual(
    releases(planned(labInput())),
  );
  expect(JSON.stringify(planned(labInput()))).not.toContain("release");
  expect(JSON.stringify(planned(metalInput()))).not.toContain("release");
});

const made: Record<string, string | undefined> = { storage: "debian-12", host1: "debian-12" };
const mistakes = (input: ReturnType<typeof labInput>) => checkReleases(planned(input), (host) => made[host]);

test("a host that is there keeps its system; a new one may have any", () => {
  expect(mistakes(labInput({ hosts: mixed }))).toEqual([]);
  expect(mistakes(labInput({ hosts: [{ name: "host1", release: "debian-13" }, { name: "host2" }] }))).toEqual(
    [
      {
        path: "testbed:hosts[0].release",
        problem: "host1 was made with debian-12, which it keeps",
        fix: "put that back; for another system, drain the host, leave it out, run `pulumi up`, and add it again with that",
      },
    ],
  );
});

test("for the storage host, on which the disks are, there is no such way", () => {
  const hosts = [{ name: "host1", release: "debian-12" as const }, { name: "host2" }];
  expect(mistakes(labInput({ lab: { release: "debian-13" }, hosts }))).toEqual([
    {
      path: "testbed:lab.release",
      problem: "storage was made with debian-12, which it keeps",
      fix: "put that back, or destroy the stack first",
    },
  ]);
});
