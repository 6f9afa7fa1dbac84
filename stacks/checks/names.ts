// What a stack, its hosts and its guests may be called.
import { defaultStorageName } from "../defaults.ts";
import { type Mistake, mistake } from "../mistake.ts";
import { claim, clashes } from "./clashes.ts";
import { type Draft, guestsOf, hostsOf } from "./draft.ts";

/** It becomes a folder's name: Pulumi itself takes `..`, too. */
export function stackName(_: Draft, stack: string): Mistake[] {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(stack)) return [];
  const problem = `the stack's own name "${stack}" does not begin with a letter or a digit, or has other signs in it`;
  return [
    mistake(
      [],
      problem,
      "make a stack of another name: keys, results and labs lie in folders that are called like it",
    ),
  ];
}

/** Names that every Debian's /etc/hosts has for something else. */
const takenNames = ["localhost", "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters"];

export function names(draft: Draft): Mistake[] {
  const claims = [
    claim(draft.storage?.name ?? defaultStorageName, "the storage host", ["storage", "name"]),
    ...takenNames.map((name) => claim(name, "every machine, for itself", [])),
    ...[...hostsOf(draft), ...guestsOf(draft)].map(({ name, path: [section, index] }) =>
      claim(name, `${section}[${index}]`, [section, index, "name"]),
    ),
  ].flat();
  return clashes("name", claims, "hosts, guests and the storage host all need names of their own");
}
