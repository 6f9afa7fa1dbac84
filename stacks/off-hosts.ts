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
  const isOff = (host: string) => plan.off.some((each) => each.host === host);
  const staying = [...areOff.filter(isOff), ...plan.lost];
  if (needsAll === undefined || staying.length === 0) return guests;
  return [
    ...guests,
    {
      path: pathText([plan.lost.length > 0 ? "lost" : "off"]),
      problem: `${list(staying)} ${staying.length === 1 ? "is" : "are"} off, and ${needsAll}`,
      fix: `leave ${list(staying)} out of ${plan.lost.length > 0 ? "lost and off" : "off"}, run \`pulumi up\`, and make this change then`,
    },
  ];
}

/**
 * Whether lost hosts are: one that answers, and was not proved to be off by an earlier update, may run its guests.
 *
 * @param answering those that were asked and answered
 */
export function checkLostHosts(
  { fenced = [], switched, guests }: PastStack,
  plan: Plan,
  answering: readonly string[],
): Mistake[] {
  return plan.lost.flatMap((host, index) => {
    const path = pathText(["lost", index]);
    if (switched?.off.includes(host))
      return [
        {
          path,
          problem: `${host} is off, and no guest is on it`,
          fix: "leave it in off; or leave it out of both, and it is switched on",
        },
      ];
    if (answering.includes(host) && !fenced.includes(host))
      return [
        {
          path,
          problem: `${host} answers over SSH, so its guests may run`,
          fix: "leave it out of lost; name it in drain to have it emptied",
        },
      ];
    const { fence } = plan.hosts.find(({ name }) => name === host) ?? {};
    const isProvable = plan.lab || fence?.commands.status !== undefined || fence?.mountsFrom !== undefined;
    if (!isProvable && !fenced.includes(host))
      return [
        {
          path,
          problem: `nothing can prove that ${host} writes to no disk: there is no power.status, and from which address it mounts the export is not known`,
          fix: "give a command that says whether it is off (hosts[].power.status); or see with your own eyes that it is, and use npm run forget-host (docs/hosts.md)",
        },
      ];
    const local = plan.guests.filter(
      ({ name, redo }) =>
        redo === "local" && guests.some((guest) => guest.name === name && guest.host === host),
    );
    if (local.length === 0) return [];
    return [
      {
        path,
        problem: `${list(local.map(({ name }) => name))} ${local.length === 1 ? "was" : "were"} on ${host} with the disk (redo: local), which nobody else can read`,
        fix: `bring ${host} back; or, if it is lost with the disk, take the guest out of guests`,
      },
    ];
  });
}
