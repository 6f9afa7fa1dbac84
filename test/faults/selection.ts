import { type FaultCase, modeAndWay } from "./cases.ts";
import { faults } from "./faults.ts";

/** Which of the cases are run: all of them take hours, and may be run in parts. */
export interface Selection {
  /** Part of a case's name, as a regular expression. */
  only?: string;
  /** Such as `2/3`: the second third. */
  part?: string;
  /** Names of cases that were seen before. */
  seen: ReadonlySet<string>;
}

/** Such as `shared, live, tls, at its middle: the provider's process killed`. */
export const caseName = (one: FaultCase): string =>
  `${one.overlay}, ${modeAndWay(one)}, at its ${one.moment}: ${faults[one.fault].name}`;

/** Throws when it leaves nothing to be chosen from, or cannot be understood. */
export const select = (cases: readonly FaultCase[], selection: Selection): FaultCase[] =>
  selectBy(caseName, cases, selection);

/** The same of cases of any sort. */
export function selectBy<Case>(
  nameOf: (one: Case) => string,
  cases: readonly Case[],
  { only, part, seen }: Selection,
): Case[] {
  const wanted = new RegExp(only ?? "");
  const [, which = 1, of = 1] = (/^(\d+)\/(\d+)$/.exec(part ?? "1/1") ?? []).map(Number);
  if (part !== undefined && !(/^\d+\/\d+$/.test(part) && which >= 1 && which <= of))
    throw new Error(`FAULTS_PART is "${part}": give a part and of how many, such as 1/3`);
  const chosen = cases.filter((one) => wanted.test(nameOf(one))).filter((_, i) => i % of === which - 1);
  if (chosen.length === 0)
    throw new Error(`no case of ${cases.length} is called like FAULTS_ONLY, "${only}"`);
  return chosen.filter((one) => !seen.has(nameOf(one)));
}
