// Rules about where guests run: each can be understood, and firm ones can all be kept, by the stack's own words.
import { type Mistake, mistake } from "../mistake.ts";
import { list } from "../words.ts";
import { type Draft, guestsOf, hostsOf, namesOf } from "./draft.ts";
import { unknownName } from "./placement.ts";

const kinds = ["apart", "together", "on"] as const;
type Kind = (typeof kinds)[number];

/** A rule that can be understood. */
interface Rule {
  index: number;
  title: string;
  kind: Kind;
  guests: string[];
  /** Of `on`. */
  hosts: string[];
  isFirm: boolean;
}

export function affinity(draft: Draft): Mistake[] {
  const { affinity = [] } = draft;
  const names = affinity.map((rule) => rule?.name);
  const twice = names.flatMap((name, index) =>
    name !== undefined && names.indexOf(name) < index
      ? [
          mistake(
            ["affinity", index, "name"],
            `there is another rule "${name}"`,
            "give each a name of its own",
          ),
        ]
      : [],
  );
  const [rules, misshapen] = understood(draft);
  const firm = rules.filter(({ isFirm }) => isFirm);
  return [
    ...twice,
    ...misshapen,
    ...rules.flatMap((rule) => nameMistakes(draft, rule)),
    ...firm.flatMap((rule) => tooManyApart(draft, rule)),
    ...contradictions(firm),
    ...firm.flatMap((rule) => againstPins(draft, rule)),
  ];
}

/** Those that say one thing, and mistakes of the others. */
function understood({ affinity = [] }: Draft): [Rule[], Mistake[]] {
  const rules: Rule[] = [];
  const mistakes: Mistake[] = [];
  for (const [index, rule] of affinity.entries()) {
    if (rule === undefined) continue;
    const path = ["affinity", index];
    const said = kinds.filter((kind) => kind in rule);
    const [kind, ...more] = said;
    const { name, guests, firm = true } = rule;
    if (kind === undefined || more.length > 0) {
      const problem = kind === undefined ? "says nothing about its guests" : `says ${list(said)} at once`;
      mistakes.push(mistake(path, problem, "give one of apart, together, or on with guests"));
      continue;
    }
    const isOn = kind === "on";
    if (isOn !== "guests" in rule) {
      const fix = isOn ? "name its guests in guests" : `name its guests in ${kind}; guests goes with on`;
      mistakes.push(mistake(path, isOn ? "names no guests" : "has guests beside it", fix));
      continue;
    }
    // What the schema refused is told by it.
    const concerned = (isOn ? guests : rule[kind])?.filter((guest) => guest !== undefined) ?? [];
    if (!isOn && concerned.length === 1 && rule[kind]?.length === 1)
      mistakes.push(mistake([...path, kind], `${concerned[0]} is alone in it`, "name two guests or more"));
    rules.push({
      index,
      title: name === undefined ? `affinity[${index}]` : `rule ${name}`,
      kind,
      guests: [...new Set(concerned)],
      hosts: isOn ? (rule.on?.filter((host) => host !== undefined) ?? []) : [],
      isFirm: firm,
    });
  }
  return [rules, mistakes];
}

function nameMistakes(draft: Draft, { index, kind, guests, hosts }: Rule): Mistake[] {
  const known = { guest: namesOf(guestsOf(draft)), host: namesOf(hostsOf(draft)) };
  const path = (key: string) => ["affinity", index, key];
  return [
    ...guests.flatMap((name) =>
      unknownName("guest", name, known.guest, path(kind === "on" ? "guests" : kind)),
    ),
    ...hosts.flatMap((name) => unknownName("host", name, known.host, path("on"))),
  ];
}

function tooManyApart(draft: Draft, { index, kind, guests }: Rule): Mistake[] {
  const hosts = namesOf(hostsOf(draft)).filter((name) => !draft.drain?.includes(name));
  if (kind !== "apart" || hosts.length === 0 || guests.length <= hosts.length) return [];
  return [
    mistake(
      ["affinity", index, "apart"],
      `${guests.length} guests are to be on different hosts, and ${hosts.length === 1 ? "there is one" : `there are ${hosts.length}`} for guests`,
      `have ${guests.length} hosts that are not drained, take guests out, or set firm to false`,
    ),
  ];
}

/** Firm rules that no placement keeps all of. */
function contradictions(rules: readonly Rule[]): Mistake[] {
  const groups = joined(rules.filter(({ kind }) => kind === "together"));
  const apart = rules
    .filter(({ kind }) => kind === "apart")
    .flatMap((rule) =>
      groups.flatMap((group) => {
        const both = rule.guests.filter((guest) => group.guests.has(guest));
        return both.length < 2 ? [] : [contradiction(rule, group.rules, both)];
      }),
    );
  const on = rules.filter(({ kind }) => kind === "on");
  const guests = [...new Set(on.flatMap((rule) => rule.guests))];
  const nowhere = guests.flatMap((guest) => {
    const own = on.filter((rule) => rule.guests.includes(guest));
    const [first, ...others] = own;
    const left = first?.hosts.filter((host) => others.every(({ hosts }) => hosts.includes(host)));
    const last = own.at(-1);
    return first === undefined || last === undefined || others.length === 0 || left?.length !== 0
      ? []
      : [contradiction(last, own.slice(0, -1), [guest])];
  });
  return [...apart, ...nowhere];
}

const contradiction = ({ index, title }: Rule, others: readonly Rule[], guests: readonly string[]): Mistake =>
  mistake(
    ["affinity", index],
    `${title} and ${list(others.map((other) => other.title))} contradict each other for ${list(guests)}`,
    "take one of them back, or set its firm to false",
  );

/** Guests that are to be on one host, by one rule or by several that have a guest in common. */
function joined(rules: readonly Rule[]): { guests: Set<string>; rules: Rule[] }[] {
  return rules.reduce<{ guests: Set<string>; rules: Rule[] }[]>((groups, rule) => {
    const touching = groups.filter(({ guests }) => rule.guests.some((guest) => guests.has(guest)));
    return [
      ...groups.filter((group) => !touching.includes(group)),
      {
        guests: new Set([...touching.flatMap(({ guests }) => [...guests]), ...rule.guests]),
        rules: [...touching.flatMap((group) => group.rules), rule],
      },
    ];
  }, []);
}

/** A placement is a pin, which always wins: one that a firm rule speaks against is a mistake. On a drained host none holds. */
function againstPins({ placement = {}, drain = [] }: Draft, { index, title, kind, guests, hosts }: Rule) {
  const pins = guests.flatMap((guest): [string, string][] => {
    const host = Object.hasOwn(placement, guest) ? placement[guest] : undefined;
    return host === undefined || drain.includes(host) ? [] : [[guest, host]];
  });
  const says = (which: readonly [string, string][], wish: string): Mistake[] => {
    const said = list(which.map(([guest, host]) => `${guest} on ${host}`));
    const problem = `${title} wants ${wish}, and testbed:placement has ${said}`;
    return [mistake(["affinity", index], problem, "change one of the two, or set firm to false")];
  };
  if (kind === "on")
    return pins
      .filter(([, host]) => !hosts.includes(host))
      .flatMap((pin) => says([pin], `${pin[0]} on ${list(hosts, "or")}`));
  const byHost = Object.groupBy(pins, ([, host]) => host);
  if (kind === "together")
    return Object.keys(byHost).length < 2
      ? []
      : says(pins, `${list(pins.map(([guest]) => guest))} on one host`);
  return Object.values(byHost).flatMap((together = []) =>
    together.length < 2 ? [] : says(together, `${list(together.map(([guest]) => guest))} on different hosts`),
  );
}
