import { faultsOf } from "../layout/check.ts";
import { Cover, uncoveredMiB } from "../layout/cover.ts";
import { epsilon } from "../layout/laid.ts";
import { improve, retry } from "../search/improve.ts";
import { leave, leavingOf } from "../search/leave.ts";
import { repair } from "../search/repair.ts";
import type { Planner, StackPolicy } from "../terms/policy.ts";
import { defaultSettings, type PolicySettings } from "../terms/settings.ts";
import { type Arrange, plannerOf } from "./propose.ts";
import { withinLimits } from "./within.ts";

/**
 * Evens out hosts with few and cheap moves: of memory, vCPUs and load, within limits and rules. While a host is drained, its guests leave,
 * and others only make room for them. Nothing moves while hosts are even enough, nor for a gain that may come from loads not known better.
 */
export const balance = (settings: Partial<PolicySettings> = {}): Planner =>
  withinLimits((settings) => plannerOf(arrange, settings), { ...defaultSettings, ...settings });

export const balancePolicy: StackPolicy = {
  does: "evens out memory, vCPUs and load with few and cheap moves",
  planner: balance,
  hasMoveLimits: true,
  emptiesHosts: false,
};

const arrange: Arrange = (layout, { spare }, { startAt, loadError, maxMoves, maxMiB }, reasons) => {
  const cover = spare === 1 ? new Cover(layout) : undefined;
  if (leavingOf(layout).length > 0) {
    const problems = leave(layout, { cover, mayMakeRoom: true }, reasons);
    return problems.length > 0 ? problems : faultsOf(layout);
  }
  repair(layout, cover, reasons);
  const problems = faultsOf(layout);
  if (problems.length > 0 || layout.imbalance < startAt) return problems;

  const [places, total, covered] = [layout.places(), layout.total, cover?.uncoveredMiB() ?? 0];
  const noise = layout.noise(loadError);
  if (total <= noise) return [];
  layout.mostMoved = maxMoves ?? Number.POSITIVE_INFINITY;
  layout.mostMovedMiB = maxMiB ?? Number.POSITIVE_INFINITY;
  improve(layout, cover);
  retry(layout, cover);
  const isWorth =
    total - layout.total > noise + epsilon && (cover === undefined || uncoveredMiB(layout) <= covered);
  if (!isWorth) layout.restore(places);
  else
    for (const guest of layout.moved)
      if (guest.host !== places[guest.index]) reasons.set(guest, { kind: "balanced", host: guest.home.name });
  return [];
};
