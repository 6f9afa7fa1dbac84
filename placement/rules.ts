import type { LaidGuest, LaidHost, LaidRule } from "./laid.ts";

/** How many guests of a rule would have to be elsewhere. Those on drained hosts leave anyway. */
export function brokenIn({ rule, counts }: LaidRule): number {
  let [guests, hosts, most, misplaced] = [0, 0, 0, 0];
  for (const [host, count] of counts) {
    if (!host.isOpen || count === 0) continue;
    guests += count;
    hosts += 1;
    most = Math.max(most, count);
    if (rule.kind === "on" && !rule.hosts.includes(host.name)) misplaced += count;
  }
  switch (rule.kind) {
    case "apart":
      return guests - hosts;
    case "together":
      return guests - most;
    case "on":
      return misplaced;
  }
}

/** How many more guests would be against a rule if one of its guests went there. */
export function brokenBy(rule: LaidRule, from: LaidHost, to: LaidHost): number {
  if (from === to) return 0;
  const { counts } = rule;
  const [left, come] = [counts.get(from) ?? 0, counts.get(to) ?? 0];
  counts.set(from, left - 1).set(to, come + 1);
  const after = brokenIn(rule);
  counts.set(from, left).set(to, come);
  return after - rule.broken;
}

/** The rules that a step touches, each with how many more guests it puts against it. Two that are in one rule and change places are as before. */
export function brokenByStep(
  guest: LaidGuest,
  to: LaidHost,
  other?: LaidGuest,
): readonly { laid: LaidRule; more: number }[] {
  const [mine, its] = [guest.rules, other?.rules ?? none];
  if (mine.length + its.length === 0) return none;
  const by = (laid: LaidRule, from: LaidHost, to: LaidHost) => ({ laid, more: brokenBy(laid, from, to) });
  return [
    ...mine.filter((laid) => !its.includes(laid)).map((laid) => by(laid, guest.host, to)),
    ...its.filter((laid) => !mine.includes(laid)).map((laid) => by(laid, to, guest.host)),
  ];
}

const none: readonly never[] = [];
