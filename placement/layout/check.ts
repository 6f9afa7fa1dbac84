import type { Cluster, PlacementRule } from "../terms/cluster.ts";
import type { PlacementProblem } from "../terms/reason.ts";
import type { Layout } from "./layout.ts";

/** What is wrong with a cluster whatever its guests' places: names that are not in it, rules that contradict each other, hosts not asked. */
export function checkCluster({ hosts, guests, rules = [] }: Cluster): readonly PlacementProblem[] {
  const hostNames = new Set(hosts.map(({ name }) => name));
  const guestNames = new Set(guests.map(({ name }) => name));
  return [
    ...guests.flatMap(({ name, host }) => unknown("host", [host], hostNames, `placement of ${name}`)),
    ...rules.flatMap((rule) => [
      ...unknown("guest", rule.guests, guestNames, `rule ${rule.name}`),
      ...(rule.kind === "on" ? unknown("host", rule.hosts, hostNames, `rule ${rule.name}`) : []),
    ]),
    ...contradictions(rules),
    ...hosts.flatMap(({ name, memoryMiB, isDrained }): PlacementProblem[] =>
      memoryMiB === undefined && !isDrained ? [{ kind: "unmeasured", host: name }] : [],
    ),
  ];
}

function unknown(
  what: "guest" | "host",
  names: readonly string[],
  known: ReadonlySet<string>,
  where: string,
): readonly PlacementProblem[] {
  return names.filter((name) => !known.has(name)).map((name) => ({ kind: "unknown", what, name, in: where }));
}

/** Two guests that firm rules want both apart and together. */
function contradictions(rules: readonly PlacementRule[]): readonly PlacementProblem[] {
  const firm = rules.filter(({ isFirm }) => isFirm);
  return firm
    .filter(({ kind }) => kind === "apart")
    .flatMap((apart) =>
      firm
        .filter(({ kind }) => kind === "together")
        .flatMap((together): PlacementProblem[] => {
          const guests = apart.guests.filter((name) => together.guests.includes(name));
          return guests.length < 2
            ? []
            : [{ kind: "contradiction", rules: [apart.name, together.name], guests }];
        }),
    );
}

/** What must be otherwise, and is not. */
export function faultsOf(layout: Layout): readonly PlacementProblem[] {
  return [
    ...layout.open.flatMap(({ name, leftMiB, roomMiB, guests }): PlacementProblem[] =>
      leftMiB >= 0
        ? []
        : [
            {
              kind: "overfull",
              host: name,
              guests: [...guests].map((guest) => guest.name),
              neededMiB: roomMiB - leftMiB,
              roomMiB,
            },
          ],
    ),
    ...layout.rules.flatMap(({ rule, broken }): PlacementProblem[] =>
      broken === 0 || !rule.isFirm
        ? []
        : [{ kind: "broken-rule", rule: rule.name, guests: rule.guests, says: ruleText(rule) }],
    ),
  ];
}

function ruleText(rule: PlacementRule): string {
  switch (rule.kind) {
    case "apart":
      return "are to be on different hosts";
    case "together":
      return "are to be on one host";
    case "on":
      return `are to be on ${rule.hosts.join(" or ")}`;
  }
}
