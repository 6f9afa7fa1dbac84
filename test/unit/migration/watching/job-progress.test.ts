import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Moving } from "../../../../migration/context/moving.ts";
import { followProgress } from "../../../../migration/watching/job-progress.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

/** What is told when libvirt says this of the job, a second after the other. */
function toldOf(...answers: string[]): string[] {
  const told: string[] = [];
  let hear: (line: string) => void = () => {};
  const session = { follow: (_command: string, onLine: typeof hear) => (hear = onLine) };
  const ends = { source: { name: "host1", session }, destination: { name: "host2" } };
  const moving = { guest: "vm1", uuid: "1", ...ends, tell: (line: string) => told.push(line) };
  followProgress(moving as unknown as Moving, () => {});
  for (const answer of answers) {
    vi.advanceTimersByTime(1_000);
    for (const line of [...answer.split("\n"), "--"]) hear(line);
  }
  return told;
}

const none = "Job type:         None";
const sending = (mib: number) =>
  `Job type:         Unbounded\nMemory remaining: ${mib}.000 MiB\nIteration:        1`;

test("a move that connects at once tells how much remains, and nothing before", () => {
  expect(toldOf(none, none, sending(400), sending(200))).toEqual([
    "vm1: host1 → host2, 3.0 s, pass 1, 400 MiB remaining",
    "vm1: host1 → host2, 4.0 s, pass 1, 200 MiB remaining",
  ]);
});

test("one that takes long to connect tells that", () => {
  expect(toldOf(none, none, none, none, none, none)).toEqual(["vm1: host1 → host2, 6.0 s, connecting"]);
});

test("one that has ended tells nothing more", () => {
  expect(toldOf(sending(400), none)).toHaveLength(1);
});
