import { faultsOf } from "../layout/check.ts";
import { Cover } from "../layout/cover.ts";
import { leave, leavingOf } from "../search/leave.ts";
import type { Planner, StackPolicy } from "../terms/policy.ts";
import { defaultSettings, type PolicySettings } from "../terms/settings.ts";
import { type Arrange, plannerOf } from "./propose.ts";

/** Finds another host for every guest of a drained one, and moves no other guest. Pins to a drained host do not hold. */
export const evacuate = (settings: Partial<PolicySettings> = {}): Planner =>
  plannerOf(arrange, { ...defaultSettings, ...settings });

export const evacuatePolicy: StackPolicy = {
  command: "evacuate",
  does: "finds another host for each guest of a drained one, and moves no other",
  planner: evacuate,
  hasMoveLimits: false,
  emptiesHosts: false,
};

const arrange: Arrange = (layout, { spare }, _, reasons) => {
  if (leavingOf(layout).length === 0) return [];
  // What was wrong before is not its business; what its moves would bring about is.
  const before = faultsOf(layout).length;
  const cover = spare === 1 ? new Cover(layout) : undefined;
  const problems = leave(layout, { cover, mayMakeRoom: false }, reasons);
  if (problems.length > 0) return problems;
  const faults = faultsOf(layout);
  return faults.length > before ? faults : [];
};
