import type { MigrationOptions } from "../../moves/options.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import type { Endpoint } from "../context/moving.ts";
import type { Measurements } from "./measurements.ts";
import { measureAndChoose } from "./resolve-auto.ts";

/** The mode that `auto` would choose; a preview does not measure the link, so something must have been sent over it before. */
export async function optionsNow(
  request: MigrationRequest,
  source: Endpoint,
  destination: Endpoint,
): Promise<{ options: MigrationOptions; measured?: Measurements } | undefined> {
  const { mode, ...rest } = request.options;
  if (mode !== "auto") return { options: { ...rest, mode } };
  const { choice, measured, knowsSending } = await measureAndChoose(request, source, destination, false);
  return knowsSending && choice.kind === "move" ? { options: choice.options, measured } : undefined;
}
