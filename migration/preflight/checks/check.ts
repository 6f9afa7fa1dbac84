import type { MigrationRecord } from "../../../moves/record.ts";

/** One thing that was asked before a move, and what came of it; a failed one says how to fix it. */
export type Check = NonNullable<MigrationRecord["preflight"]>[number];

export const passed = (check: string, detail: string): Check => ({ check, verdict: "pass", detail });
export const warned = (check: string, detail: string): Check => ({ check, verdict: "warn", detail });
export const failed = (check: string, detail: string): Check => ({ check, verdict: "fail", detail });

export const hasFailed = ({ verdict }: Check): boolean => verdict === "fail";

/** A check that speaks against a move; nothing has been touched. */
export class PreflightFailed extends Error {
  readonly checks: readonly Check[];

  constructor(guest: string, destination: string, checks: readonly Check[]) {
    super(
      `Guest ${guest} cannot move to ${destination}; nothing was changed.\n` +
        checks
          .filter(hasFailed)
          .map(({ check, detail }) => `  ${check}: ${detail}`)
          .join("\n"),
    );
    this.name = "PreflightFailed";
    this.checks = checks;
  }
}
