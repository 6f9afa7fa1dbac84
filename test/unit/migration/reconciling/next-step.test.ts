import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GuestCrashed } from "../../../../fleet/crashed.ts";
import type { Intent } from "../../../../fleet/intent.ts";
import { GuestActiveTwice, isActive } from "../../../../fleet/whereabouts.ts";
import type { Sighting } from "../../../../libvirt/sighting.ts";
import {
  GuestNowhere,
  nextStep,
  type Step,
  type World,
} from "../../../../migration/reconciling/next-step.ts";
import { migrationModes } from "../../../../moves/modes.ts";
import { intentOf, sighting } from "../../helpers/moves-in-state.ts";

const world = (
  source: Sighting["state"],
  destination: Sighting["state"],
  more: Partial<World> = {},
): World => ({
  source: sighting("host1", source),
  destination: sighting("host2", destination),
  stateAtSource: false,
  stateAtDestination: false,
  ...more,
});

/** What a step does to the world, if it works. */
function apply(step: Step, intent: Intent, now: World): { intent: Intent; world: World } {
  const next = structuredClone(now);
  const become = (at: "source" | "destination", state: Sighting["state"]) => {
    const { job: _job, ...rest } = next[at];
    next[at] = { ...rest, state, reason: "" };
  };
  switch (step.do) {
    case "wait-for-job": {
      // A post-copy that comes to its end has all of the memory; any other job leaves things as they are.
      const other = next[step.at === "source" ? "destination" : "source"];
      const { state, reason } = next[step.at];
      if (reason === "post-copy" && isActive(other)) return apply({ do: "resume-postcopy" }, intent, now);
      become(step.at, state === "stopping" ? "inactive" : state);
      next[step.at].reason = reason;
      break;
    }
    case "destroy":
      become(step.at, next[step.at].persistent ? "inactive" : "absent");
      break;
    case "mark-returning":
      return { intent: { ...intent, phase: "returning" }, world: next };
    case "note-disk":
      next.written = { source: false };
      break;
    case "undefine":
      next[step.at] = sighting(next[step.at].host, "absent");
      break;
    case "resume":
    case "start":
      become(step.at, "running");
      break;
    case "mark-resuming":
      return { intent: { ...intent, phase: "resuming" }, world: next };
    case "mark-begun":
      return { intent: { ...intent, phase: "begun" }, world: next };
    case "resume-postcopy":
      next.source = sighting("host1", "inactive");
      next.destination = sighting("host2", "running", { reason: "migrated" });
      break;
    case "copy-state":
      next.stateAtDestination = true;
      break;
    case "restore":
      next[step.at] = sighting(next[step.at].host, "paused", { reason: "migrating" });
      break;
    case "discard-state":
      next.stateAtSource = false;
      next.stateAtDestination = false;
      break;
    case "define":
      next[step.at] = sighting(next[step.at].host, "inactive");
  }
  return { intent, world: next };
}

const states = ["absent", "inactive", "running", "paused", "stopping", "crashed"] as const;
const anyWorld = fc
  .record({
    source: fc.constantFrom(...states),
    destination: fc.constantFrom(...states),
    jobAt: fc.constantFrom("source", "destination", undefined),
    stateAtSource: fc.boolean(),
    stateAtDestination: fc.boolean(),
    destinationReason: fc.constantFrom("", "migrating", "user", "post-copy", "post-copy failed"),
    sourceReason: fc.constantFrom("", "migrating", "post-copy", "post-copy failed"),
    isTransient: fc.boolean(),
  })
  .map(({ source, destination, jobAt, destinationReason, sourceReason, isTransient, ...files }) => {
    const made = world(source, destination, files);
    if (isActive(made.destination)) made.destination.reason = destinationReason;
    if (made.source.state === "paused") made.source.reason = sourceReason;
    if (isTransient && isActive(made.destination)) made.destination.persistent = false;
    if (jobAt && isActive(made[jobAt])) made[jobAt].job = "Outgoing migration";
    return made;
  });
const anyIntent = fc
  .record({
    mode: fc.constantFrom(...migrationModes),
    phase: fc.constantFrom("begun", "resuming", "postcopy"),
  })
  .map(({ mode, phase }) => intentOf(mode, phase));

describe("from whatever state a dead run left", () => {
  test("the guest ends up running exactly once with nothing left over, or the reason is said", () => {
    fc.assert(
      fc.property(anyIntent, anyWorld, (firstIntent, firstWorld) => {
        let [intent, now] = [firstIntent, firstWorld];
        for (let steps = 0; steps < 20; steps++) {
          let step: Step;
          try {
            step = nextStep(intent, now);
          } catch (error) {
            const twice = isActive(now.source) && isActive(now.destination);
            const undefinedEverywhere = [now.source, now.destination].every(
              ({ state }) => state === "absent",
            );
            const crashed = [now.source, now.destination].some(({ state }) => state === "crashed");
            expect(
              error instanceof GuestActiveTwice
                ? twice
                : error instanceof GuestCrashed
                  ? crashed
                  : error instanceof GuestNowhere && undefinedEverywhere,
            ).toBe(true);
            return;
          }
          if (step.do === "settled") {
            expect(now[step.at].state).toBe("running");
            expect(now[step.at === "source" ? "destination" : "source"].state).toBe("absent");
            expect([now.stateAtSource, now.stateAtDestination]).toEqual([false, false]);
            return;
          }
          ({ intent, world: now } = apply(step, intent, now));
        }
        throw new Error("no end after 20 steps");
      }),
      { numRuns: 2000 },
    );
  });

  test("no step ever makes a second copy run", () => {
    fc.assert(
      fc.property(anyIntent, anyWorld, (intent, now) => {
        fc.pre(!(now.source.state === "running" && now.destination.state === "running"));
        let step: Step;
        try {
          step = nextStep(intent, now);
        } catch {
          return;
        }
        if (step.do !== "start" && step.do !== "resume" && step.do !== "restore") return;
        const other = step.at === "destination" ? now.source : now.destination;
        expect(isActive(other)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test("a saved memory is never resumed once the guest may have run on", () => {
    fc.assert(
      fc.property(anyWorld, (now) => {
        fc.pre(!isActive(now.source) && !isActive(now.destination));
        fc.pre(now.source.state !== "absent" || now.destination.state !== "absent");
        const step = nextStep(intentOf("offline", "resuming"), now);
        expect(["restore", "copy-state"]).not.toContain(step.do);
      }),
    );
  });
});

describe("live", () => {
  test("what a finished pre-copy leaves is a definition at the source", () => {
    expect(nextStep(intentOf("live"), world("inactive", "running"))).toEqual({
      do: "undefine",
      at: "source",
    });
    expect(nextStep(intentOf("live"), world("absent", "running"))).toEqual({
      do: "settled",
      at: "destination",
    });
  });

  test("a source that is paused while the destination waits gets the guest back", () => {
    const halfway = world("paused", "paused");
    halfway.destination.persistent = false;
    expect(nextStep(intentOf("live"), halfway)).toEqual({ do: "mark-returning" });
    expect(nextStep(intentOf("live", "returning"), halfway)).toEqual({ do: "destroy", at: "destination" });
    expect(nextStep(intentOf("live"), world("paused", "absent"))).toEqual({ do: "resume", at: "source" });
    const arrivedAndGone = world("paused", "absent");
    arrivedAndGone.source.reason = "migrating";
    expect(nextStep(intentOf("live", "returning"), arrivedAndGone)).toEqual({ do: "resume", at: "source" });
    // Nobody here has ended what arrived there: it may have run, and someone removed it.
    expect(nextStep(intentOf("live"), arrivedAndGone)).toEqual({ do: "destroy", at: "source" });
  });

  test("once libvirt has defined it at the destination, all of its memory is there, and the source's may be stale", () => {
    const sent = world("paused", "paused");
    sent.destination.reason = "migrating";
    expect(nextStep(intentOf("live"), sent)).toEqual({ do: "mark-resuming" });
    expect(nextStep(intentOf("live", "resuming"), sent)).toEqual({ do: "destroy", at: "source" });
    const alone = world("inactive", "paused");
    alone.destination.reason = "migrating";
    expect(nextStep(intentOf("live"), alone)).toEqual({ do: "resume", at: "destination" });
    // It ran there and died: the source must not go on from before that.
    expect(nextStep(intentOf("live"), world("paused", "inactive"))).toEqual({ do: "destroy", at: "source" });
  });

  test("a running job is waited for, not touched", () => {
    const moving = world("running", "paused");
    moving.source.job = "Outgoing migration";
    expect(nextStep(intentOf("live"), moving)).toEqual({ do: "wait-for-job", at: "source" });
  });

  test("a guest whose memory is nowhere is booted where it is defined", () => {
    expect(nextStep(intentOf("live"), world("inactive", "absent"))).toEqual({
      do: "start",
      at: "source",
      why: "memory lost",
    });
  });
});

describe("post-copy", () => {
  const intent = intentOf("postcopy", "postcopy");
  const split = (
    source: [Sighting["state"], string],
    destination: [Sighting["state"], string],
    jobs = true,
  ): World => {
    const job = (at: [Sighting["state"], string], name: string) =>
      jobs && at[0] !== "inactive" && at[0] !== "absent" ? { job: name } : {};
    return {
      ...world("absent", "absent"),
      source: sighting("host1", source[0], { reason: source[1], ...job(source, "Outgoing migration") }),
      destination: sighting("host2", destination[0], {
        reason: destination[1],
        ...job(destination, "Incoming migration"),
      }),
    };
  };
  const here = ["paused", "post-copy"] as [Sighting["state"], string];
  const there = ["running", "post-copy"] as [Sighting["state"], string];
  const hereFailed = ["paused", "post-copy failed"] as [Sighting["state"], string];
  const thereFailed = ["running", "post-copy failed"] as [Sighting["state"], string];

  test("a guest that runs at the destination while its memory follows is not there yet", () => {
    expect(nextStep(intent, split(here, there))).toEqual({ do: "wait-for-job", at: "source" });
  });

  test("ends that lost each other are connected again, whichever of them knows", () => {
    for (const world of [
      split(hereFailed, thereFailed),
      split(hereFailed, there),
      split(here, thereFailed),
      split(hereFailed, ["paused", "post-copy failed"]),
      split(here, there, false),
    ]) {
      expect(nextStep(intent, world)).toEqual({ do: "resume-postcopy" });
    }
  });

  test("a destination that has all of its memory releases the source, whatever that thinks", () => {
    expect(nextStep(intent, split(hereFailed, ["running", "migrated"], false))).toEqual({
      do: "destroy",
      at: "source",
    });
  });

  test("when one end has died the other one is ended, and the guest booted anew", () => {
    const sourceDied = split(["inactive", ""], thereFailed);
    expect(nextStep(intent, sourceDied)).toEqual({ do: "destroy", at: "destination" });
    const destinationDied = split(hereFailed, ["inactive", ""]);
    expect(nextStep(intent, destinationDied)).toEqual({ do: "destroy", at: "source" });
    expect(nextStep(intent, split(["inactive", ""], ["inactive", ""]))).toEqual({
      do: "start",
      at: "source",
      why: "memory lost",
    });
  });

  test("the source is never resumed once post-copy may have begun", () => {
    fc.assert(
      fc.property(anyWorld, (now) => {
        fc.pre(now.source.state === "paused");
        for (const mode of ["postcopy", "hybrid"] as const) {
          const step = (() => {
            try {
              return nextStep(intentOf(mode, "postcopy"), now);
            } catch {
              return undefined;
            }
          })();
          expect(step).not.toEqual({ do: "resume", at: "source" });
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("unless the destination's copy proves that it has not", () => {
    const halfway = world("paused", "paused");
    halfway.source.reason = "migrating";
    halfway.destination.persistent = false;
    expect(nextStep(intent, halfway)).toEqual({ do: "mark-returning" });
    expect(nextStep(intentOf("postcopy", "returning"), halfway)).toEqual({
      do: "destroy",
      at: "destination",
    });
    expect(nextStep(intentOf("postcopy"), world("paused", "absent"))).toEqual({ do: "resume", at: "source" });
  });

  test("a source that runs was never left", () => {
    expect(nextStep(intent, world("running", "absent"))).toEqual({ do: "settled", at: "source" });
  });

  test("a source that someone let run beside a part of its memory is never decided about", () => {
    expect(() => nextStep(intent, split(["running", "unpaused"], ["paused", "post-copy failed"]))).toThrow(
      GuestActiveTwice,
    );
  });
});

describe("offline", () => {
  const steps = (intent: Intent, now: World, goBack = false): string[] => {
    const done: string[] = [];
    for (;;) {
      const step = nextStep(intent, now, goBack);
      done.push("at" in step ? `${step.do} ${step.at}` : step.do);
      if (step.do === "settled") return done;
      ({ intent, world: now } = apply(step, intent, now));
    }
  };

  test("goes on from a complete state file at the source", () => {
    expect(
      steps(
        intentOf("offline"),
        world("inactive", "absent", { stateAtSource: true, written: { source: false } }),
      ),
    ).toEqual([
      "copy-state",
      "restore destination",
      "mark-resuming",
      "resume destination",
      "undefine source",
      "discard-state",
      "settled destination",
    ]);
  });

  test("what the destination cannot have is put back at the source, with its memory", () => {
    const refused = world("inactive", "inactive", {
      stateAtSource: true,
      stateAtDestination: true,
      written: { source: false },
    });
    expect(steps(intentOf("offline"), refused, true)).toEqual([
      "restore source",
      "mark-resuming",
      "resume source",
      "undefine destination",
      "discard-state",
      "settled source",
    ]);
  });

  test("without its saved memory there is no way back", () => {
    const sourceLost = world("absent", "inactive", { stateAtDestination: true, written: { source: false } });
    expect(nextStep(intentOf("offline"), sourceLost, true)).toEqual({ do: "restore", at: "destination" });
  });

  test("someone wrote to the disk after the guest was marked to run at the destination, and before it did: the boot has that reason", () => {
    let intent = intentOf("offline", "resuming");
    let now = world("inactive", "paused", { stateAtSource: true, written: { source: true } });
    now.source.reason = "destroyed";
    now.destination.reason = "migrating";
    const done: Step[] = [];
    for (let step = nextStep(intent, now); step.do !== "settled"; step = nextStep(intent, now)) {
      done.push(step);
      ({ intent, world: now } = apply(step, intent, now));
    }
    expect(done.slice(0, 5)).toEqual([
      { do: "mark-begun" },
      { do: "destroy", at: "destination" },
      { do: "discard-state" },
      { do: "undefine", at: "destination" },
      { do: "start", at: "source", why: "disk written" },
    ]);
  });

  test("a guest that died after it had run at the destination is booted anew from its disk", () => {
    const died = world("inactive", "inactive", { stateAtSource: true, stateAtDestination: true });
    expect(steps(intentOf("offline", "resuming"), died)[0]).toBe("discard-state");
    expect(steps(intentOf("offline", "resuming"), died)).toContain("start source");
  });
});

describe("cold", () => {
  test("goes on from wherever it was", () => {
    const next = (now: World) => nextStep(intentOf("cold"), now);
    expect(next(world("inactive", "absent"))).toEqual({ do: "define", at: "destination" });
    expect(next(world("inactive", "inactive"))).toEqual({ do: "start", at: "destination", why: "moved" });
    expect(next(world("absent", "inactive"))).toEqual({ do: "start", at: "destination", why: "moved" });
    expect(next(world("running", "absent"))).toEqual({ do: "settled", at: "source" });
  });

  test("a guest that is defined nowhere is said to be so", () => {
    expect(() => nextStep(intentOf("cold"), world("absent", "absent"))).toThrow(/defined on no host/);
  });
});

test("a guest that crashed and still has its disk open is started nowhere, until a person has ended it", () => {
  const more = { stateAtSource: true, written: { source: false } };
  for (const mode of migrationModes) {
    for (const [source, destination] of [
      ["crashed", "absent"],
      ["crashed", "inactive"],
      ["inactive", "crashed"],
    ] as const) {
      const now = world(source, destination, more);
      expect(() => nextStep(intentOf(mode), now)).toThrow(
        /^Guest vm1 has crashed on host[12] .*Nothing was changed.*virsh destroy vm1/,
      );
    }
    expect(() => nextStep(intentOf(mode), world("crashed", "running", more))).toThrow(GuestActiveTwice);
  }
});

test("two running copies are never decided about", () => {
  expect(() => nextStep(intentOf("live"), world("running", "running"))).toThrow(GuestActiveTwice);
});

describe("a memory and the disk that it was saved with", () => {
  const saved = (written: World["written"], reason = "saved", others: World["others"] = []) => {
    const now = world("inactive", "absent", { stateAtSource: true, others, ...(written && { written }) });
    now.source.reason = reason;
    return now;
  };

  test("belong together as long as nobody has written to it", () => {
    expect(nextStep(intentOf("offline"), saved({ source: false }))).toEqual({ do: "copy-state" });
    expect(nextStep(intentOf("offline"), saved({ source: true }))).toEqual({ do: "discard-state" });
    const discarded = world("inactive", "absent", { written: { source: true } });
    expect(nextStep(intentOf("offline"), discarded)).toEqual({
      do: "start",
      at: "source",
      why: "disk written",
    });
  });

  test("are noted late only where libvirt knows that nobody has started the guest", () => {
    expect(nextStep(intentOf("offline"), saved(undefined))).toEqual({ do: "note-disk" });
    expect(nextStep(intentOf("offline"), saved(undefined, "shutdown"))).toEqual({ do: "discard-state" });
    const elsewhere = [sighting("host3", "inactive")];
    expect(nextStep(intentOf("offline"), saved(undefined, "saved", elsewhere))).toEqual({
      do: "discard-state",
    });
  });

  test("a copy that was restored from it and has not run goes with it", () => {
    for (const phase of ["begun", "resuming"] as const) {
      const restored = world("inactive", "paused", { stateAtSource: true, written: { source: true } });
      restored.destination.reason = "migrating";
      const first = phase === "resuming" ? { do: "mark-begun" } : { do: "destroy", at: "destination" };
      expect(nextStep(intentOf("offline", phase), restored)).toEqual(first);
    }
  });

  test("a source that runs beside it was started by someone, and stays", () => {
    for (const state of ["running", "paused"] as const) {
      const both = world(state, "paused", { stateAtSource: true, written: { source: true } });
      both.destination.reason = "migrating";
      if (state === "paused") both.source.reason = "ioerror";
      expect(nextStep(intentOf("offline"), both)).toEqual({ do: "destroy", at: "destination" });
    }
  });
});

describe("a guest that is on a host that is no end of its move", () => {
  const brought = (source: Sighting["state"], destination: Sighting["state"], more: Partial<World> = {}) =>
    world(source, destination, {
      others: [sighting("host3", "running"), sighting("host4", "absent")],
      ...more,
    });

  test.each(migrationModes)("is left there before anything is started (%s)", (mode) => {
    expect(nextStep(intentOf(mode), brought("inactive", "inactive"))).toEqual({
      do: "settled-elsewhere",
      host: "host3",
    });
    expect(() => nextStep(intentOf(mode), brought("running", "absent"))).toThrow(GuestActiveTwice);
  });

  test("makes a saved memory worthless", () => {
    expect(nextStep(intentOf("offline"), brought("inactive", "absent", { stateAtSource: true }))).toEqual({
      do: "discard-state",
    });
  });

  test("is booted there when it is defined there alone", () => {
    const left = world("absent", "absent", { others: [sighting("host3", "inactive")] });
    expect(nextStep(intentOf("live"), left)).toEqual({
      do: "start-elsewhere",
      host: "host3",
      why: "memory lost",
    });
  });
});

describe("a guest whose memory a person saved", () => {
  const saved = (host: string): Sighting => ({
    ...sighting(host, "inactive", { reason: "saved" }),
    isSaved: true,
  });
  const source = saved("host1");
  const atSource = world("inactive", "absent", { source });

  test.each(migrationModes)("goes on from it, wherever that is (%s)", (mode) => {
    const why = "saved";
    expect(nextStep(intentOf(mode), atSource)).toEqual({ do: "start", at: "source", why });
    const atDestination = world("absent", "inactive", { destination: saved("host2") });
    expect(nextStep(intentOf(mode), atDestination)).toEqual({ do: "start", at: "destination", why });
    const elsewhere = world("inactive", "absent", { others: [saved("host3")] });
    expect(nextStep(intentOf(mode), elsewhere)).toEqual({ do: "start-elsewhere", host: "host3", why });
  });

  test("does not when its disk is newer, or the host refuses", () => {
    expect(nextStep(intentOf("live"), { ...atSource, staleSaves: ["host1"] })).toEqual({
      do: "discard-save",
      host: "host1",
    });
    const there = world("inactive", "inactive", { destination: saved("host2") });
    expect(nextStep(intentOf("live"), there, true)).toMatchObject({ do: "start", at: "source" });
  });

  test("has none that this program saved before", () => {
    const both = { ...atSource, stateAtSource: true };
    expect(nextStep(intentOf("offline"), both)).toEqual({ do: "discard-state" });
  });
});
