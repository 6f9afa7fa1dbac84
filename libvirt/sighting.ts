import { CommandFailed } from "../ssh/errors.ts";
import type { SshSession } from "../ssh/session.ts";
import { virsh, virshFunction } from "./virsh.ts";

/** What one host says about a guest. */
export interface Sighting {
  host: string;
  /** `crashed`: its kernel has, and libvirt was told to keep it so (on_crash): its QEMU has the disk open. Any other crash leaves it inactive. */
  state: "absent" | "inactive" | "running" | "paused" | "stopping" | "crashed";
  /** libvirt's reason for the state, such as `booted`, `migrated`, `user`; empty when absent. */
  reason: string;
  /** The host keeps its definition, whether it runs or not. */
  persistent: boolean;
  /** A job (a migration, a save) works on it. */
  job?: string;
  /** It is off, and a person has saved its memory (virsh managedsave): libvirt's next start of it goes on from there. */
  isSaved?: true;
}

/** Stands between what virsh says. */
const marker = "====";

const states: Record<string, Sighting["state"]> = {
  running: "running",
  idle: "running",
  paused: "paused",
  pmsuspended: "paused",
  "in shutdown": "stopping",
  "shut off": "inactive",
  crashed: "crashed",
};

/** What is asked about one guest: virsh goes on after a question that libvirt cannot answer. */
const questionsAbout = (uuid: string): string[] => [
  `domstate --reason ${uuid}`,
  `dominfo ${uuid}`,
  `domjobinfo ${uuid}`,
];

/** Looks for a guest on one host. Throws when the host or its libvirtd does not answer: that is not "absent". */
export async function sight(session: SshSession, uuid: string): Promise<Sighting> {
  const doing = `looking for guest ${uuid}`;
  const host = session.target.name;
  // One virsh for all of them: starting it takes longer than answering. The last one must be answered, or virsh fails.
  const script = [...questionsAbout(uuid), "list --all --uuid"].join(`; echo ${marker}; `);
  const look = async () => {
    const said = await virsh(session, doing, [script]);
    return { said, sighting: parseSighting(host, uuid, said.stdout) };
  };
  const first = await look();
  if (first.sighting) return first.sighting;
  // It came while it was asked about. If it still cannot be asked about, something is wrong.
  const { said, sighting } = await look();
  if (sighting) return sighting;
  throw new CommandFailed({ doing, host, ...said });
}

/** The shell function that asks about all guests of a host: two processes, however many there are. */
export const guestsProgram = `
${virshFunction}
guests() {
  looks=
  for uuid in $(virsh "list --all --uuid"); do
    looks="$looks echo ${marker} guest $uuid; ${questionsAbout("$uuid").join(`; echo ${marker}; `)};"
  done
  virsh "$looks echo ${marker} all; list --all --uuid --name"
}`;

/** What one look at a host showed. */
interface HostView {
  /** Of any guest. Undefined: it came while the host was asked, and is to be asked about again. */
  guest(uuid: string): Sighting | undefined;
  /** The uuid of the guest that has a name. Undefined: none has. */
  named(name: string): string | undefined;
}

/** Looks for all guests of one host at once. Throws when the host or its libvirtd does not answer. */
export async function sightAll(session: SshSession): Promise<HostView> {
  const doing = "looking for all guests";
  const host = session.target.name;
  const answer = await session.run(doing, `${guestsProgram}\nguests`);
  const [described = "", list] = answer.stdout.split(`${marker} all`);
  // Nobody is taken for absent because of an answer that is not whole.
  if (list === undefined) throw new CommandFailed({ doing, host, ...answer });
  const guests = list
    .split("\n")
    .filter(Boolean)
    .map((line) => ({ uuid: line.slice(0, uuidLength), name: line.slice(uuidLength).trim() }));
  const all = guests.map(({ uuid }) => uuid).join("\n");
  // virsh's echo ends no line: what is said of a guest follows its uuid at once.
  const each = described.split(`${marker} guest `).slice(1);
  const byUuid = new Map(each.map((said) => [said.slice(0, uuidLength), said.slice(uuidLength)]));
  const unsaid = `${marker}${marker}`;
  return {
    guest: (uuid) => parseSighting(host, uuid, `${byUuid.get(uuid) ?? unsaid}${marker}${all}`),
    named: (wanted) => guests.find(({ name }) => name === wanted)?.uuid,
  };
}

const uuidLength = "1b7159b2-c702-5eb0-be68-43576be5849d".length;

/**
 * Reads what virsh prints of `domstate --reason`, `dominfo`, `domjobinfo` and the list of all uuids, apart by a marker. A guest is here
 * if the list has it, which was made last: one that leaves (the end of a migration) while it is asked about is not here.
 * Undefined: it is here, and the questions about it were not answered.
 */
export function parseSighting(host: string, uuid: string, printed: string): Sighting | undefined {
  const [stateText = "", info = "", job = "", list] = printed.split(marker).map((part) => part.trim());
  if (list === undefined) throw new Error(`Host ${host} says nothing about its guests: "${printed}"`);
  if (!list.split(/\s+/).includes(uuid)) return { host, state: "absent", reason: "", persistent: false };
  if (!stateText || !info) return undefined;
  const [, word = "", reason = ""] = /^(.*?)(?: \((.*)\))?$/.exec(stateText) ?? [];
  const state = states[word];
  if (!state)
    throw new Error(`Host ${host} says a guest is "${stateText}", which is no state this program knows`);
  const operation = /^Operation:\s*(.+)$/m.exec(job)?.[1]?.trim();
  return {
    host,
    state,
    reason,
    persistent: /^Persistent:\s*yes$/m.test(info),
    ...(operation ? { job: operation } : {}),
    ...(state === "inactive" && /^Managed save:\s*yes$/m.test(info) ? { isSaved: true } : {}),
  };
}
