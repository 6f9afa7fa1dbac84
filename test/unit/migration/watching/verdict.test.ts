import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type JobHistory,
  type JobLook,
  type JobVerdict,
  nextLookInMs,
  noted,
  ofFoundJob,
  ofOwnJob,
  verdictOn,
} from "../../../../migration/watching/verdict.ts";

const timeoutMs = 60_000;
const look = (changes: Partial<JobLook> = {}): JobLook => ({
  job: "reversible",
  atMs: 1_000,
  timeoutMs,
  isCancelled: false,
  patience: ofOwnJob,
  done: {},
  ...changes,
});
const verdict = (changes: Partial<JobLook> = {}) => verdictOn(look(changes));
const late = { atMs: timeoutMs };

describe("a job that can be taken back", () => {
  test("goes on as long as nothing speaks against it", () => {
    expect(verdict()).toEqual({ do: "go-on" });
    expect(verdict({ atMs: timeoutMs - 1, isSilent: true })).toEqual({ do: "go-on" });
  });

  test.each([
    [undefined, { do: "give-up", why: "time" }],
    ["abort", { do: "give-up", why: "time" }],
    ["postcopy", { do: "turn-to-postcopy", why: "time" }],
    ["suspend", { do: "pause" }],
  ] as const)("whose time is over does what is to be done then (%s)", (onTimeout, expected) => {
    expect(verdict({ ...late, ...(onTimeout && { onTimeout }) })).toEqual(expected);
  });

  test("that is cancelled is given up, whatever else its time would be for", () => {
    for (const onTimeout of ["abort", "postcopy", "suspend"] as const) {
      expect(verdict({ ...late, onTimeout, isCancelled: true, postcopyDueInMs: 0 })).toEqual({
        do: "give-up",
        why: "cancelled",
      });
    }
    // Paused at its timeout it has a way back still.
    expect(verdict({ ...late, onTimeout: "suspend", done: { isLate: true }, isCancelled: true })).toEqual({
      do: "give-up",
      why: "cancelled",
    });
  });

  test("turns to post-copy when that is due, and not before", () => {
    expect(verdict({ postcopyDueInMs: 0 })).toEqual({ do: "turn-to-postcopy", why: "due" });
    expect(verdict({ postcopyDueInMs: 1 })).toEqual({ do: "go-on" });
  });

  test("that is given up turns to nothing else", () => {
    const done = { gaveUpAtMs: 500 };
    for (const job of ["reversible", "postcopy"] as const)
      expect(verdict({ job, done, postcopyDueInMs: 0 })).toEqual({ do: "go-on" });
  });

  test("keeps to its share of the bandwidth", () => {
    const limit = (shareMiBps: number, setMiBps?: number) => verdict({ limit: { shareMiBps, setMiBps } });
    expect(limit(40, 40)).toEqual({ do: "go-on" });
    expect(limit(20, 40)).toEqual({ do: "limit", shareMiBps: 20 });
    // It could not be set.
    expect(limit(20)).toEqual({ do: "limit", shareMiBps: 20 });
  });
});

describe("a post-copy", () => {
  const found = { job: "postcopy", patience: ofFoundJob } as const;

  test("goes on when its time is over or it is cancelled, and says so", () => {
    expect(verdict({ job: "postcopy", ...late })).toEqual({ do: "no-way-back", why: "time" });
    expect(verdict({ job: "postcopy", isCancelled: true })).toEqual({ do: "no-way-back", why: "cancelled" });
  });

  test("is told of again each minute by whoever sees no progress of it", () => {
    const done = { toldLateAtMs: timeoutMs };
    expect(verdict({ ...found, atMs: timeoutMs + 59_999, done })).toEqual({ do: "go-on" });
    expect(verdict({ ...found, atMs: timeoutMs + 60_000, done })).toEqual({ do: "no-way-back", why: "time" });
    expect(verdict({ job: "postcopy", atMs: 10 * timeoutMs, done })).toEqual({ do: "go-on" });
  });

  test("of which libvirt tells nothing any more may have lost an end", () => {
    expect(verdict({ job: "postcopy", isSilent: true })).toEqual({ do: "see-loss" });
    expect(verdict({ job: "postcopy", isSilent: true, done: { seesLoss: true } })).toEqual({ do: "go-on" });
  });
});

describe("a job that was found", () => {
  const found = (changes: Partial<JobLook>) => verdict({ patience: ofFoundJob, ...changes });

  test("is left alone once it has ended", () => {
    expect(found({ job: "none", ...late, isCancelled: true })).toEqual({ do: "leave" });
  });

  test("that cannot be cancelled from here is waited for as long as a move may take, and no longer", () => {
    expect(found({ job: "other", isCancelled: true })).toEqual({ do: "go-on" });
    expect(found({ job: "other", ...late })).toEqual({ do: "fail" });
  });

  test("and was cancelled has some time to end in, whatever the time of the move", () => {
    const done = { gaveUpAtMs: 5_000 };
    for (const job of ["reversible", "other"] as const) {
      expect(found({ job, atMs: 35_000, isCancelled: true, done })).toEqual({ do: "go-on" });
      expect(found({ job, atMs: 35_001, isCancelled: true, done })).toEqual({ do: "fail" });
      expect(found({ job, atMs: 80_000, done: { gaveUpAtMs: 60_000 } })).toEqual({ do: "go-on" });
    }
  });
});

/** What is seen of a job from look to look. */
const seen = fc.record({
  afterMs: fc.integer({ min: 1, max: 20_000 }),
  job: fc.constantFrom("reversible" as const, "postcopy" as const, "other" as const),
  isCancelled: fc.boolean(),
  postcopyDueInMs: fc.constantFrom(undefined, 0, 700),
  isSilent: fc.boolean(),
  limit: fc.constantFrom(undefined, { shareMiBps: 20, setMiBps: 40 }),
});
const looks = fc.record({
  seen: fc.array(seen, { minLength: 1, maxLength: 40 }),
  onTimeout: fc.constantFrom(undefined, "abort" as const, "postcopy" as const, "suspend" as const),
  patience: fc.constantFrom(ofOwnJob, ofFoundJob),
});

/** The verdicts from look to look, where nothing that was begun comes to an end. */
function watched({ seen, onTimeout, patience }: typeof looks extends fc.Arbitrary<infer T> ? T : never) {
  let [atMs, done]: [number, JobHistory] = [0, {}];
  let hasAborted = false;
  return seen.map(({ afterMs, isCancelled, ...rest }): { look: JobLook; verdict: JobVerdict } => {
    atMs += afterMs;
    hasAborted ||= isCancelled;
    const one = look({
      ...rest,
      atMs,
      patience,
      done,
      isCancelled: hasAborted,
      ...(onTimeout && { onTimeout }),
    });
    const verdict = verdictOn(one);
    done = noted(done, verdict, atMs);
    return { look: one, verdict };
  });
}

describe("whatever is seen of a job", () => {
  test("nothing is begun twice, and nothing but the truth is done to a post-copy", () => {
    fc.assert(
      fc.property(looks, (all) => {
        const done = watched(all);
        const times = (what: JobVerdict["do"]) => done.filter(({ verdict }) => verdict.do === what).length;
        for (const once of ["give-up", "turn-to-postcopy", "pause", "limit", "see-loss"] as const)
          expect(times(once), once).toBeLessThanOrEqual(1);
        for (const { look, verdict } of done) {
          if (look.job === "postcopy") expect(["give-up", "pause", "fail"]).not.toContain(verdict.do);
          if (look.done.gaveUpAtMs !== undefined)
            expect(["give-up", "pause", "turn-to-postcopy"]).not.toContain(verdict.do);
        }
      }),
    );
  });

  test("what is over, and can be taken back, is never left to go on by itself", () => {
    fc.assert(
      fc.property(looks, (all) => {
        for (const { look, verdict } of watched(all)) {
          const { gaveUpAtMs, isLate, isTurning } = look.done;
          const isDealtWith = gaveUpAtMs !== undefined || isLate || isTurning;
          const isOver = look.isCancelled ? gaveUpAtMs === undefined : look.atMs >= timeoutMs && !isDealtWith;
          if (look.job === "reversible" && isOver)
            expect(["give-up", "pause", "turn-to-postcopy"]).toContain(verdict.do);
        }
      }),
    );
  });

  test("it is looked at again soon, and no later than its time is over or post-copy's has come", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 2 * timeoutMs, noNaN: true }),
        seen,
        (atMs, { postcopyDueInMs }) => {
          const inMs = nextLookInMs(look({ atMs, postcopyDueInMs }));
          expect(inMs).toBeGreaterThan(0);
          expect(inMs).toBeLessThanOrEqual(500);
          if (atMs < timeoutMs) expect(atMs + inMs).toBeLessThan(timeoutMs + 1);
        },
      ),
    );
    expect(nextLookInMs(look({ postcopyDueInMs: 120 }))).toBe(120);
  });
});
