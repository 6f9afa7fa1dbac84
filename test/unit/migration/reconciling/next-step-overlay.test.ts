import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Intent } from "../../../../fleet/intent.ts";
import { isActive } from "../../../../fleet/whereabouts.ts";
import type { Sighting } from "../../../../libvirt/sighting.ts";
import { type End, nextStep, type Step, type World } from "../../../../migration/reconciling/next-step.ts";
import { intentOf, sighting } from "../../helpers/moves-in-state.ts";

// An overlay that lies on the hosts: which of two a guest may run on, and which may go.

/** What is on both hosts' disks: how often the guest has run on it; undefined: nothing; NaN: a part of it. */
interface Hosts {
  intent: Intent;
  source: Sighting;
  destination: Sighting;
  stateAt: Record<End, boolean>;
  disk: Record<End, number | undefined>;
  newest: number;
  /** What was on them when the memory was saved, or the overlay copied. */
  noted?: Partial<Record<End, number | undefined>>;
}

const off = (more: Partial<Hosts> = {}): Hosts => ({
  intent: intentOf("cold"),
  source: sighting("host1", "inactive"),
  destination: sighting("host2", "absent"),
  stateAt: { source: false, destination: false },
  disk: { source: 1, destination: undefined },
  newest: 1,
  ...more,
});

const seen = ({ source, destination, stateAt, disk, noted }: Hosts): World => ({
  ...(noted && {
    written: {
      ...(disk.source !== undefined && { source: disk.source !== noted.source }),
      ...("destination" in noted &&
        disk.destination !== undefined && { destination: disk.destination !== noted.destination }),
    },
  }),
  source,
  destination,
  stateAtSource: stateAt.source,
  stateAtDestination: stateAt.destination,
  overlays: {
    source: disk.source === undefined ? "absent" : "file",
    destination: disk.destination === undefined ? "absent" : "file",
  },
});

/** What a step does, if it works. Throws when the guest would run on another disk than it last wrote to. */
function apply(step: Step, hosts: Hosts): void {
  const become = (at: End, state: Sighting["state"]) => {
    hosts[at] = sighting(hosts[at].host, state, { persistent: hosts[at].persistent && state !== "absent" });
  };
  const run = (at: End) => {
    expect(hosts.disk[at], `${step.do} ${at}`).toBe(hosts.newest);
    hosts.disk[at] = ++hosts.newest;
    become(at, "running");
  };
  switch (step.do) {
    case "destroy":
      become(step.at, hosts[step.at].persistent ? "inactive" : "absent");
      return;
    case "undefine":
      become(step.at, "absent");
      return;
    case "resume":
    case "start":
      run(step.at);
      return;
    case "restore":
      become(step.at, "paused");
      return;
    case "mark-resuming":
      hosts.intent = { ...hosts.intent, phase: "resuming" };
      return;
    case "mark-begun":
      hosts.intent = { ...hosts.intent, phase: "begun" };
      return;
    case "mark-returning":
      hosts.intent = { ...hosts.intent, phase: "returning" };
      return;
    case "define":
      hosts[step.at] = sighting(hosts[step.at].host, "inactive");
      return;
    case "copy-state":
      hosts.stateAt.destination = true;
      return;
    case "discard-state":
      hosts.stateAt = { source: false, destination: false };
      return;
    case "copy-overlay":
      expect(isActive(hosts.source)).toBe(false);
      hosts.disk.destination = hosts.disk.source;
      hosts.noted = { source: hosts.disk.source, destination: hosts.disk.destination };
      return;
    case "discard-overlay": {
      const other = step.at === "source" ? "destination" : "source";
      expect(isActive(hosts[step.at])).toBe(false);
      expect(hosts.disk[other]).toBe(hosts.newest);
      hosts.disk[step.at] = undefined;
      return;
    }
    default:
      throw new Error(`${step.do} is no step here`);
  }
}

/** Whether all is settled. */
function stepped(hosts: Hosts, goBack: boolean): boolean {
  const step = nextStep(hosts.intent, seen(hosts), goBack);
  if (step.do !== "settled") {
    apply(step, hosts);
    return false;
  }
  const other = step.at === "source" ? "destination" : "source";
  expect(hosts.disk).toEqual({ [step.at]: hosts.newest, [other]: undefined });
  return true;
}

const paused = (host: string, persistent: boolean) =>
  sighting(host, "paused", { reason: "migrating", persistent });

/** How a move may be found, after its first action. */
const found: [string, Hosts][] = [
  ["cold, shut down", off()],
  [
    "offline, saved",
    off({ intent: intentOf("offline"), stateAt: { source: true, destination: false }, noted: { source: 1 } }),
  ],
  [
    "live, disk and memory being copied",
    off({
      intent: intentOf("live"),
      source: sighting("host1", "running"),
      destination: paused("host2", false),
      disk: { source: 1, destination: Number.NaN },
    }),
  ],
  [
    "live, source stopped, not all is there",
    off({
      intent: intentOf("live"),
      source: paused("host1", true),
      destination: paused("host2", false),
      disk: { source: 1, destination: Number.NaN },
    }),
  ],
  [
    "live, all is there",
    off({
      intent: intentOf("live"),
      source: paused("host1", true),
      destination: paused("host2", true),
      disk: { source: 1, destination: 1 },
    }),
  ],
  [
    "live, it has run at the destination",
    off({
      intent: intentOf("live"),
      source: paused("host1", true),
      destination: sighting("host2", "running"),
      disk: { source: 1, destination: 2 },
      newest: 2,
    }),
  ],
  [
    "live, given up",
    off({
      intent: intentOf("live"),
      source: sighting("host1", "running"),
      disk: { source: 1, destination: Number.NaN },
    }),
  ],
];

describe.each(found)("%s", (_, start) => {
  test("whatever befalls hosts and runs, the guest only ever runs on its newest overlay, and nothing else is left", () => {
    const accident = fc.constantFrom(
      "step",
      "step",
      "step",
      "another run",
      "power cut source",
      "power cut destination",
    );
    fc.assert(
      fc.property(
        fc.array(accident, { maxLength: 25 }),
        fc.infiniteStream(fc.boolean()),
        (events, wishes) => {
          const hosts = structuredClone(start);
          // Each run wants the guest at the destination, or back, and keeps to that.
          let goBack = wishes.next().value;
          for (const event of events) {
            if (event === "step") {
              if (stepped(hosts, goBack)) return;
            } else if (event === "another run") goBack = wishes.next().value;
            else {
              const at = event === "power cut source" ? "source" : "destination";
              if (isActive(hosts[at])) {
                const { host, persistent } = hosts[at];
                hosts[at] = sighting(host, persistent ? "inactive" : "absent");
              }
              goBack = wishes.next().value;
            }
          }
          for (let steps = 0; steps < 20; steps++) if (stepped(hosts, goBack)) return;
          throw new Error("no end after 20 steps");
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test("a source's overlay does not go as long as the destination has none", () => {
  const gone = off({
    source: sighting("host1", "absent"),
    destination: sighting("host2", "running"),
  });
  expect(() => nextStep(gone.intent, seen(gone))).toThrow(/its overlay is not there but on host1/);
});

test("scraps of a copy are removed, and are no overlay", () => {
  const world = seen(off({ intent: intentOf("live"), source: sighting("host1", "running") }));
  const scraps: World = { ...world, overlays: { source: "file", destination: "scraps" } };
  expect(nextStep(intentOf("live"), scraps)).toEqual({ do: "discard-overlay", at: "destination" });
});
