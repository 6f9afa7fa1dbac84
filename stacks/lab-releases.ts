import { defaultRelease } from "../lab/release.ts";
import { type Mistake, pathText } from "./mistake.ts";
import type { Plan } from "./plan.ts";

/**
 * Whether a lab's host that is there is to have another system than the one that it was made with, which it keeps.
 *
 * @param madeWith of a host by its name; undefined: it is not there
 */
export function checkReleases(
  { storage, hosts }: Pick<Plan, "storage" | "hosts">,
  madeWith: (host: string) => string | undefined,
): Mistake[] {
  const machines = [
    { ...storage, path: ["lab", "release"], fix: "put that back, or destroy the stack first" },
    ...hosts.map((host, index) => ({
      ...host,
      path: ["hosts", index, "release"],
      fix: "put that back; for another system, drain the host, leave it out, run `pulumi up`, and add it again with that",
    })),
  ];
  return machines.flatMap(({ name, release = defaultRelease, path, fix }) => {
    const was = madeWith(name);
    if (was === undefined || was === release) return [];
    return [{ path: pathText(path), problem: `${name} was made with ${was}, which it keeps`, fix }];
  });
}
