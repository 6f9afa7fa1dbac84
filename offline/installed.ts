// Which parts are there, who put them there, and how one is put into its place.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Part } from "./parts.ts";

/** official: not put there by us, and so never touched. current, outdated: built here, as it would be built now or not. */
type State = "official" | "current" | "outdated" | "missing";

/** The file beside a part which says that it was built here, and from what. */
function marker(part: Part): string {
  return join(dirname(part.target), `.${basename(part.target)}.built-here.json`);
}

export function stateOf(part: Part): State {
  if (!existsSync(part.target)) return "missing";
  try {
    return JSON.parse(readFileSync(marker(part), "utf8")).key === part.key ? "current" : "outdated";
  } catch {
    return "official";
  }
}

/** Moves a part that was made at `made`, on the same file system, into its place: there is never half a part there. */
export function placePart(part: Part, made: string): void {
  mkdirSync(dirname(part.target), { recursive: true });
  // The marker first: should this be interrupted, what is missing is built again, and nothing of ours looks official.
  const note = "Built by kvm-migration-testbed's offline/, because get.pulumi.com could not be reached.";
  writeFileSync(marker(part), `${JSON.stringify({ note, version: part.version, key: part.key }, null, 2)}\n`);
  renameSync(made, part.target);
}

/** Removes a part that was built here. */
export function removePart(part: Part): void {
  rmSync(part.target, { force: true });
  rmSync(marker(part), { force: true });
}

/** Whether a part can be taken from that place instead of being made: what is there is official, or would be made in the same way. */
export function canBeTaken(there: Part): boolean {
  const state = stateOf(there);
  // A stand-in is made in a second.
  return state === "official" || (state === "current" && there.recipe.kind === "go");
}

/** What is to be done about each part, given whether the official ones can be downloaded. */
export function decideParts(
  parts: readonly { part: Part; state: State }[],
  officialReachable: boolean,
): { build: Part[]; remove: Part[] } {
  const those = (state: State) => parts.filter((one) => one.state === state).map((one) => one.part);
  // A stand-in that no longer fits makes way for the official part as soon as that can be had.
  if (officialReachable) return { build: [], remove: those("outdated") };
  return {
    build: parts.filter(({ state }) => state === "missing" || state === "outdated").map((one) => one.part),
    remove: [],
  };
}
