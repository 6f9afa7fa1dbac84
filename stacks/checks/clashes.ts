// What only one thing can have: names, addresses and ports, whether they were said or follow from a name.
import { type Mistake, mistake } from "../mistake.ts";

/** Something that only one thing can have. */
interface Use {
  value: string;
  owner: string;
  path: readonly PropertyKey[];
  /** Whether it follows from the owner's name, and nobody said it. */
  isByName: boolean;
}

export function claim(
  value: string | undefined,
  owner: string,
  path: readonly PropertyKey[],
  isByName = false,
): Use[] {
  return value === undefined ? [] : [{ value, owner, path, isByName }];
}

/** A mistake for each claim to what an earlier one has already. */
export function clashes(what: string, claims: readonly Use[], fix: string): Mistake[] {
  const first = new Map<string, Use>();
  return claims.flatMap((claim) => {
    const { value, path, isByName } = claim;
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, claim);
    const source = isByName ? ", which its name gives it," : "";
    return earlier === undefined
      ? []
      : [mistake(path, `the ${what} ${value}${source} is taken by ${earlier.owner}`, fix)];
  });
}
