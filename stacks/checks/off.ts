// Hosts that are to be off leave one that is on, can be switched, and have nothing on them that could not leave.
import { type Mistake, mistake } from "../mistake.ts";
import { list } from "../words.ts";
import { type Draft, guestsOf, hostsOf, namesOf } from "./draft.ts";
import { unknownName } from "./placement.ts";

export function off(draft: Draft): Mistake[] {
  const hosts = namesOf(hostsOf(draft));
  const own = (draft.off ?? []).flatMap((host, index) =>
    host === undefined
      ? []
      : hosts.includes(host)
        ? [...localGuests(draft, host, index), ...unswitchable(draft, host)]
        : unknownName("host", host, hosts, ["off", index]),
  );
  return [...own, ...noneLeft(draft, hosts)];
}

/** Those that are drained are said by `drain` alone. */
function noneLeft({ drain = [], off = [] }: Draft, hosts: readonly string[]): Mistake[] {
  const isOpen = (host: string) => !drain.includes(host) && !off.includes(host);
  if (hosts.length === 0 || hosts.some(isOpen) || hosts.every((host) => drain.includes(host))) return [];
  const what = drain.length > 0 ? "off or drained" : "off";
  return [mistake(["off"], `all hosts are to be ${what}`, `leave out one of ${list(hosts)}, or add a host`)];
}

/** Their disks lie on the host, and a person chose that. */
function localGuests(draft: Draft, host: string, index: number): Mistake[] {
  const local = namesOf(guestsOf(draft).filter(({ entry }) => entry.redo === "local")).filter(
    (guest) => draft.placement?.[guest] === host,
  );
  if (local.length === 0) return [];
  return [
    mistake(
      ["off", index],
      `${list(local)}, placed on ${host}, ${local.length === 1 ? "has its disk" : "have their disks"} there (redo: local)`,
      `place ${local.length === 1 ? "it" : "them"} elsewhere (${local.map((guest) => `placement.${guest}`).join(", ")}), or leave ${host} out of off`,
    ),
  ];
}

function unswitchable(draft: Draft, host: string): Mistake[] {
  if ("lab" in draft) return [];
  const named = hostsOf(draft).find(({ name }) => name === host);
  const { power = {} } = named?.entry ?? {};
  const missing = (["off", "on"] as const).filter((command) => !(command in power));
  if (named === undefined || missing.length === 0) return [];
  return [
    mistake(
      [...named.path, "power"],
      `${host} is to be off, and there is no command to switch it ${list(missing, "or")}`,
      `give power.${missing.join(" and power.")}, or leave ${host} out of off`,
    ),
  ];
}

/** What a host draws at its peak is not less than when it is idle. */
export function watts(draft: Draft): Mistake[] {
  return hostsOf(draft).flatMap(({ entry: { power }, path }) => {
    const { idleW, peakW } = power ?? {};
    if (idleW === undefined || peakW === undefined || peakW >= idleW) return [];
    return [
      mistake(
        [...path, "power", "peakW"],
        `${peakW} W is less than idleW, ${idleW} W`,
        `give ${idleW} or more`,
      ),
    ];
  });
}
