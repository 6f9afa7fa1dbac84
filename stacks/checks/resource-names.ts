// Names that Pulumi could not tell apart: what is made for hosts, guests and their disks is called after them, beside words of our own.
import { type Mistake, mistake } from "../mistake.ts";
import { type Draft, guestsOf, hostsOf } from "./draft.ts";

export const resourceNames = (draft: Draft): Mistake[] => [...besideHosts(draft), ...besideGuests(draft)];

/** On the export, a host has an entry that is called after it, and one with `-client`; the server's is called `server`. */
function besideHosts(draft: Draft): Mistake[] {
  const hosts = hostsOf(draft);
  const names = new Set(hosts.map(({ name }) => name));
  const fix = "give the host another name";
  return hosts.flatMap(({ name, path }) => {
    const at = [...path, "name"];
    if (name === "server")
      return [mistake(at, "server is what the export's own server is called in the stack", fix)];
    const other = name?.replace(/-client$/, "");
    return other === name || !names.has(other) || draft.storage?.existing
      ? []
      : [mistake(at, `${name} is also what host ${other} is called as a client of the export`, fix)];
  });
}

/** A guest's overlay and disks lie on the export, called after the guest and the disk. */
function besideGuests(draft: Draft): Mistake[] {
  const first = new Map<string, string>();
  const guests = guestsOf(draft).filter(({ isFirst }) => isFirst);
  for (const { name, title } of guests) first.set(`${name}-overlay`, `the overlay of ${title}`);
  return guests.flatMap(({ entry: { disks = [] }, name, title, path }) => {
    const own = new Set(disks.map((disk) => disk?.name));
    return [...own].flatMap((disk) => {
      if (name === undefined || disk === undefined) return [];
      const text = `${name}-disk-${disk}`;
      const taken = first.get(text);
      if (taken === undefined) first.set(text, `disk ${disk} of ${title}`);
      const at = [...path, "disks", disks.findIndex((each) => each?.name === disk), "name"];
      return taken === undefined
        ? []
        : [mistake(at, `with it, ${text} would be this disk, and ${taken}`, "give the disk another name")];
    });
  });
}
