// Hosts that are lost leave others, and are not to be switched off as well.
import { type Mistake, mistake } from "../mistake.ts";
import { list } from "../words.ts";
import { type Draft, guestsOf, hostsOf, namesOf } from "./draft.ts";
import { unknownName } from "./placement.ts";

export function lost(draft: Draft): Mistake[] {
  const { lost = [], off = [], drain = [], placement = {} } = draft;
  const hosts = namesOf(hostsOf(draft));
  const local = namesOf(guestsOf(draft).filter(({ entry }) => entry.redo === "local"));
  const own = lost.flatMap((host, index) => {
    if (host === undefined) return [];
    if (!hosts.includes(host)) return unknownName("host", host, hosts, ["lost", index]);
    if (off.includes(host))
      return [mistake(["lost", index], `${host} is to be off, too`, "leave it out of one of lost and off")];
    const gone = local.filter((guest) => placement[guest] === host);
    if (gone.length === 0) return [];
    const has = gone.length === 1 ? "has its disk" : "have their disks";
    return [
      mistake(
        ["lost", index],
        `${list(gone)}, placed on ${host}, ${has} there (redo: local), which nobody else can read`,
        `bring ${host} back; or, if it is lost with the disk, take ${list(gone)} out of guests`,
      ),
    ];
  });
  if (
    hosts.length === 0 ||
    lost.length === 0 ||
    hosts.some((host) => ![...lost, ...off, ...drain].includes(host))
  )
    return own;
  const fix = `leave out one of ${list(hosts)}, or add a host`;
  return [...own, mistake(["lost"], "all hosts are lost, off or drained", fix)];
}
