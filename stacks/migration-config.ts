import {
  askedOptions,
  concurrentPerHostOption,
  defaultConcurrentPerHost,
  defaultDrift,
  defaultMaxDowntimeMs,
  defaultMode,
  defaultTimeoutMs,
  driftOption,
} from "../moves/options.ts";
import { sloSchema } from "../moves/slo.ts";

// How guests move: of a stack, and of one of its guests.

export const anyMigration = askedOptions.extend({
  drift: driftOption,
  slo: sloSchema
    .optional()
    .describe(
      "what a move may cost: one that is predicted to cost more is refused before anything is touched",
    )
    .meta({ otherwise: "no limits" }),
});

export const guestMigration = anyMigration
  .partial()
  .describe("the way this guest moves, where that is not as the stack's migration says")
  .meta({ otherwise: "as the stack's", sameAs: "testbed:migration" });

export const stackMigration = anyMigration
  .extend({
    mode: anyMigration.shape.mode.default(defaultMode),
    maxDowntimeMs: askedOptions.shape.maxDowntimeMs.unwrap().default(defaultMaxDowntimeMs),
    timeoutMs: askedOptions.shape.timeoutMs.unwrap().default(defaultTimeoutMs),
    drift: driftOption.default(defaultDrift),
    concurrentPerHost: concurrentPerHostOption.default(defaultConcurrentPerHost),
  })
  .describe("the way guests move");
