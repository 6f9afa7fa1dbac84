import * as z from "zod";

const ms = z.int().min(1).max(86_400_000);

/** What moves of a guest may cost at most (service level objective). */
export const sloSchema = z.strictObject({
  maxDowntimeMs: ms
    .optional()
    .describe("the greatest downtime of a move in milliseconds, by prediction and as measured")
    .meta({ examples: [1000], otherwise: "no limit" }),
  maxTotalMs: ms
    .optional()
    .describe("the longest that a move may take in milliseconds, by prediction and as measured")
    .meta({ examples: [60_000], otherwise: "no limit" }),
  onBreach: z
    .enum(["record", "return"])
    .default("record")
    .describe(
      "what becomes of a guest whose move took more: it stays and the record says so, or it is moved back",
    ),
});

export type Slo = z.infer<typeof sloSchema>;

/** A figure of a move that is above its limit. */
interface Breach {
  figure: "downtimeMs" | "totalMs";
  ms: number;
  maxMs: number;
}

/** What of a move is above its limits, as predicted or as measured; a figure that is not known breaks none. */
export function breachesOf(
  { totalMs, downtimeMs }: { totalMs: number; downtimeMs?: number | undefined },
  { maxDowntimeMs, maxTotalMs }: Pick<Slo, "maxDowntimeMs" | "maxTotalMs">,
): Breach[] {
  const over = (figure: Breach["figure"], value?: number, maxMs?: number): Breach[] =>
    value !== undefined && maxMs !== undefined && value > maxMs ? [{ figure, ms: value, maxMs }] : [];
  return [...over("downtimeMs", downtimeMs, maxDowntimeMs), ...over("totalMs", totalMs, maxTotalMs)];
}

/** "a downtime of 1200 ms (migration.slo.maxDowntimeMs is 300) and 70 s in all (migration.slo.maxTotalMs is 60000)". */
export const breachText = (breaches: readonly Breach[]): string =>
  breaches
    .map(({ figure, ms: value, maxMs }) =>
      figure === "downtimeMs"
        ? `a downtime of ${Math.round(value)} ms (migration.slo.maxDowntimeMs is ${maxMs})`
        : `${Math.round(value)} ms in all (migration.slo.maxTotalMs is ${maxMs})`,
    )
    .join(" and ");
