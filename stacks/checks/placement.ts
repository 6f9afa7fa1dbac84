// Every guest has a host that is there, and one that is not drained to go to.
import { type Mistake, mistake } from "../mistake.ts";
import { didYouMean, list } from "../words.ts";
import { type Draft, guestsOf, hostsOf, namesOf } from "./draft.ts";

export function placement(draft: Draft): Mistake[] {
  const { placement } = draft;
  if (placement === undefined) return [];
  const hosts = namesOf(hostsOf(draft));
  const guests = namesOf(guestsOf(draft));
  const unknown = Object.entries(placement).flatMap(([guest, host]) => {
    const path = ["placement", guest];
    // zod passes over a key __proto__, whatever its value is.
    return [
      ...absent("guest", guest, guests, path),
      ...(typeof host !== "string" ? [] : absent("host", host, hosts, path)),
    ];
  });
  const unplaced = guests
    .filter((guest) => !(guest in placement))
    .map((guest) =>
      mistake(
        ["placement"],
        `guest "${guest}" has no host`,
        `add the line "${guest}: ${hosts[0] ?? "<host>"}"; hosts are ${list(hosts)}`,
      ),
    );
  return [...unknown, ...unplaced];
}

export function drain(draft: Draft): Mistake[] {
  const { drain = [] } = draft;
  const hosts = namesOf(hostsOf(draft));
  const unknown = drain.flatMap((host, index) =>
    host === undefined ? [] : absent("host", host, hosts, ["drain", index]),
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

export function absent(
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
