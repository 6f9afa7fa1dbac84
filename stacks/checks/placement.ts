// Every guest has a host that is there or a policy that finds one, and a host that is not drained to go to.
import { type Mistake, mistake } from "../mistake.ts";
import { didYouMean, list } from "../words.ts";
import { type Draft, guestsOf, hostsOf, namesOf, valueOr } from "./draft.ts";

export function placement(draft: Draft): Mistake[] {
  const placement = valueOr(draft, "placement", {});
  if (placement === undefined) return [];
  const hosts = namesOf(hostsOf(draft));
  const guests = namesOf(guestsOf(draft));
  const unknown = Object.entries(placement).flatMap(([guest, host]) => {
    const path = ["placement", guest];
    // zod passes over a key __proto__, whatever its value is.
    return [
      ...unknownName("guest", guest, guests, path),
      ...(typeof host !== "string" ? [] : unknownName("host", host, hosts, path)),
    ];
  });
  const unplaced = (isPinned(draft) ? guests : [])
    .filter((guest) => !Object.hasOwn(placement, guest))
    .map((guest) =>
      mistake(
        ["placement"],
        `guest "${guest}" has no host`,
        `add the line "${guest}: ${hosts[0] ?? "<host>"}"; hosts are ${list(hosts)}; or let policy.kind balance find one`,
      ),
    );
  return [...unknown, ...unplaced];
}

/** Whether every guest needs a placement. A kind that the schema refused is one of those that do not, as far as anybody knows. */
const isPinned = ({ policy }: Draft): boolean => valueOr(policy, "kind", "pinned") === "pinned";

export function drainedHosts(draft: Draft): Mistake[] {
  const { drain = [] } = draft;
  const hosts = namesOf(hostsOf(draft));
  const unknown = drain.flatMap((host, index) =>
    host === undefined ? [] : unknownName("host", host, hosts, ["drain", index]),
  );
  const guests = namesOf(guestsOf(draft));
  if (hosts.length === 0 || guests.length === 0 || hosts.some((host) => !drain.includes(host)))
    return unknown;
  return [
    ...unknown,
    mistake(
      ["drain"],
      `all hosts are drained, and ${list(guests)} ${guests.length === 1 ? "has" : "have"} nowhere to go`,
      `leave out one of ${list(hosts)}, or add a host`,
    ),
  ];
}

export function unknownName(
  what: "host" | "guest",
  name: string,
  known: readonly string[],
  path: readonly PropertyKey[],
): Mistake[] {
  if (known.includes(name)) return [];
  const fix =
    known.length > 0 ? `${what}s are ${list(known)}${didYouMean(name, known)}` : `add it to ${what}s`;
  return [mistake(path, `there is no ${what} "${name}"`, fix)];
}
