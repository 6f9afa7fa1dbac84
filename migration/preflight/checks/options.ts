import { misfits, overlayMisfits } from "../../../moves/misfits.ts";
import { failed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** Options that the hosts' versions, or an overlay that moves along, rule out. */
export const options: PreflightCheck = {
  lasts: true,
  judge: ({ request, versions }) =>
    [
      ...misfits(request.options, versions),
      ...(request.localOverlay ? overlayMisfits(request.options) : []),
    ].map(({ option, problem, fix }) => failed("options", `${option} ${problem}: ${fix}`)),
};
