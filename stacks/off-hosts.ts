import { type Mistake, pathText } from "./mistake.ts";
import type { PastStack } from "./past.ts";
import type { Plan } from "./plan.ts";
import { list } from "./words.ts";

/** Whether the storage host must be asked which hosts were switched off: otherwise none was. */
export const mayHaveSwitched = ({ switched }: PastStack, { off }: Plan): boolean =>
  off.length > 0 || (switched !== undefined && switched.off.length + switched.perhapsOff.length > 0);

/**
 * Hosts that are off since an earlier update switched them off. One that answers was switched on by somebody, and is asked like any other.
 *
 * @param noted those that are noted on the storage host
 */
export function hostsOff(
  { switched }: PastStack,
  { hosts }: Plan,
  noted: readonly string[],
  silent: readonly string[],
): string[] {
  const known = [...noted, ...(switched?.off ?? [])];
  return hosts.map(({ name }) => name).filter((name) => known.includes(name) && silent.includes(name));
}

/** Hosts that are switched by a resource of their own: also those whose switching off was cut short. */
export const switchedHosts = ({ switched }: PastStack, noted: readonly string[]): string[] => [
  ...new Set([...(switched?.off ?? []), ...(switched?.on ?? []), ...noted]),
];

/** Whether what is to be done can be done while hosts are off. */
export function checkOffHosts(
  plan: Plan,
  areOff: readonly string[],
  strangers: Readonly<Record<string, readonly string[]>>,
  needsAll: string | undefined,
): Mistake[] {
  const leaving = plan.off.filter(({ host }) => !areOff.includes(host));
  const guests = leaving.flatMap(({ host }) => {
    const others = strangers[host] ?? [];
    if (others.length === 0) return [];
    return [
      {
        path: pathText(["off"]),
        problem: `${host} is to be off, and has ${list(others)}, which ${others.length === 1 ? "is" : "are"} not of this testbed`,
        fix: `take ${others.length === 1 ? "it" : "them"} from that host, or leave ${host} out of off`,
      },
    ];
  });
  const staying = areOff.filter((host) => plan.off.some((each) => each.host === host));
  if (needsAll === undefined || staying.length === 0) return guests;
  return [
    ...guests,
    {
      path: pathText(["off"]),
      problem: `${list(staying)} ${staying.length === 1 ? "is" : "are"} off, and ${needsAll}`,
      fix: `leave ${list(staying)} out of off, run \`pulumi up\`, and make this change then`,
    },
  ];
}
