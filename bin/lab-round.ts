import { UsageError } from "../report/text/command.ts";
import { didYouMean, list } from "../stacks/words.ts";
import { type PrintedConfig, said } from "./printed-config.ts";

// What `npm run lab` decides, from what the stack's config says; lab.ts does it.

interface Round {
  /** The hosts between which the guest moves, there and back. */
  first: string;
  second: string;
  /** Where the config places the guest. */
  placed: string;
}

/** The mode that the config says, if it says one. */
export const modeOf = (config: PrintedConfig): string | undefined =>
  said<{ mode?: string }>(config, "migration")?.mode;

export function roundOf(config: PrintedConfig, stack: string, guest: string): Round {
  const hosts = said<{ name: string }[]>(config, "hosts") ?? [];
  const placement = said<Record<string, string>>(config, "placement") ?? {};
  const file = fileOf(stack);
  const [first, second] = hosts.map(({ name }) => name);
  if (first === undefined || second === undefined) {
    throw new UsageError(
      `${file} has ${hosts.length === 0 ? "no hosts" : "one host"}: name two under testbed:hosts, for a guest to move between them`,
    );
  }
  const placed = placement[guest];
  if (placed === undefined) {
    const guests = Object.keys(placement);
    throw new UsageError(
      `${file} places no guest ${guest}${didYouMean(guest, guests)}: choose with --guest among ${list(guests) || "those that you name under testbed:placement"}`,
    );
  }
  return { first, second, placed };
}

/** @param files the names of what is in the folder of the stacks' files */
export function checkStack(stack: string, files: readonly string[]): void {
  const stacks = files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []).sort();
  if (stacks.includes(stack)) return;
  throw new UsageError(
    `there is no ${fileOf(stack)}${didYouMean(stack, stacks)}: choose with --stack among ${list(stacks)}, or write that file`,
  );
}

/** The modes in which the guest moves, in this order. */
export const roundModes = ["live", "offline"] as const;

/**
 * The mode that the config has again after the moves, which change it.
 *
 * @param now what it says now; undefined: nothing
 * @param noted what it said before a run that was interrupted, if one was; empty: nothing
 */
export function modeToKeep(now: string | undefined, noted: string | undefined): string | undefined {
  // A mode other than the moves' was set by a person since.
  const ours = roundModes.some((mode) => mode === now);
  return noted !== undefined && ours ? noted || undefined : now;
}

const fileOf = (stack: string): string => `stacks/Pulumi.${stack}.yaml`;
