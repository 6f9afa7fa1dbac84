import { migrationModes } from "../moves/modes.ts";
import { UsageError } from "../report/text/command.ts";
import { didYouMean, list } from "../stacks/words.ts";
import { type PrintedConfig, said } from "./printed-config.ts";

// What `npm run move` is asked for, against what the stack's config says; move.ts does it.

/** A value of the stack's config that the move changes. */
export interface Setting {
  /** Such as `placement.vm1`, in the namespace `testbed`. */
  path: string;
  value: string;
  /** What it was. Absent: nothing was said. */
  before?: string;
}

const modes: readonly string[] = [...migrationModes, "auto"];

/**
 * The settings that bring about what is asked for; those that are so already are left out. Throws UsageError.
 *
 * @param words guests and the hosts that they are to run on, in turn: `vm1 host2 vm2 host1`
 * @param mode how they move; absent: as the config says
 */
export function settingsFor(
  words: readonly string[],
  mode: string | undefined,
  config: PrintedConfig,
): Setting[] {
  const hosts = (said<{ name: string }[]>(config, "hosts") ?? []).map(({ name }) => name);
  const guests = said<{ name: string; migration?: { mode?: string } }[]>(config, "guests") ?? [];
  const placement = said<Record<string, string>>(config, "placement") ?? {};
  if (words.length === 0 || words.length % 2 !== 0)
    throw new UsageError(
      "name a guest and the host that it is to run on, such as: npm run move -- vm1 host2",
    );
  if (mode !== undefined && !modes.includes(mode))
    throw new UsageError(`there is no mode ${mode}${didYouMean(mode, modes)}: choose among ${list(modes)}`);
  const names = guests.map(({ name }) => name);
  const moves = Array.from(
    { length: words.length / 2 },
    (_, i) => words.slice(2 * i, 2 * i + 2) as [string, string],
  );
  const twice = moves.find(([guest], i) => moves.findIndex(([other]) => other === guest) !== i);
  if (twice) throw new UsageError(`${twice[0]} cannot go to two hosts: name it once`);
  return moves.flatMap(([guest, host]) => {
    const index = names.indexOf(guest);
    if (index < 0)
      throw new UsageError(
        `there is no guest ${guest}${didYouMean(guest, names)}: choose among ${list(names)}`,
      );
    if (!hosts.includes(host))
      throw new UsageError(`there is no host ${host}${didYouMean(host, hosts)}: choose among ${list(hosts)}`);
    const place = setting(`placement.${guest}`, host, placement[guest]);
    const own = guests[index]?.migration?.mode;
    return [...place, ...(mode === undefined ? [] : setting(`guests[${index}].migration.mode`, mode, own))];
  });
}

const setting = (path: string, value: string, before: string | undefined): Setting[] =>
  value === before ? [] : [{ path, value, ...(before !== undefined && { before }) }];
