// What a rule looks at: a config of which any part may be missing, so that a mistake in one key does not hide those in others.
import type { StackInput } from "../config.ts";
import type { Mistake } from "../mistake.ts";

/** A config of which any part may be missing. A key whose value the schema refused is there, with `undefined`. */
export type Draft<T = StackInput> = T extends readonly (infer Entry)[]
  ? readonly (Draft<Entry> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Draft<T[Key]> }
    : T;

/** A rule between keys, which the schema of one key cannot hold. */
export type Rule = (draft: Draft, stack: string) => Mistake[];

/** A key's value, or what it is by default; neither when the schema refused what is said there. */
export function valueOr<Group extends object, Key extends keyof Group>(
  group: Group | undefined,
  key: Key,
  byDefault: NonNullable<Group[Key]> | undefined,
): Group[Key] | undefined {
  return group !== undefined && key in group ? group[key] : byDefault;
}

interface Named<Entry> {
  entry: Entry;
  name: string | undefined;
  /** "guest vm1", or where it stands when it has no name. */
  title: string;
  path: readonly [string, number];
  /** Whether it is the first of its name: a second one would get the same addresses, which is not the mistake. */
  isFirst: boolean;
}

export function hostsOf({ hosts = [] }: Draft): Named<NonNullable<(typeof hosts)[number]>>[] {
  return hosts.flatMap((host, index) => (host === undefined ? [] : named("hosts", host, index, hosts)));
}

export function guestsOf({ guests = [] }: Draft): Named<NonNullable<(typeof guests)[number]>>[] {
  return guests.flatMap((guest, index) => (guest === undefined ? [] : named("guests", guest, index, guests)));
}

function named<Entry extends { readonly name?: string }>(
  section: "hosts" | "guests",
  entry: Entry,
  index: number,
  all: readonly (Entry | undefined)[],
): Named<Entry> {
  const { name } = entry;
  const title = name === undefined ? `${section}[${index}]` : `${section.slice(0, -1)} ${name}`;
  const isFirst = all.findIndex((other) => other?.name === name) === index;
  return { entry, name, title, path: [section, index], isFirst };
}

export function namesOf(things: readonly Named<unknown>[]): string[] {
  return things.flatMap(({ name, isFirst }) => (name !== undefined && isFirst ? name : []));
}
