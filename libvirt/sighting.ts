import { quote, type SshSession } from "./ssh-session.ts";

/** What one host says about a guest. */
export interface Sighting {
  host: string;
  state: "absent" | "inactive" | "running" | "paused" | "stopping";
  /** libvirt's reason for the state, such as `booted`, `migrated`, `user`; empty when absent. */
  reason: string;
  /** The host keeps its definition, whether it runs or not. */
  persistent: boolean;
  /** A job (a migration, a save) works on it. */
  job?: string;
}

const marker = "--testbed--";

const states: Record<string, Sighting["state"]> = {
  running: "running",
  idle: "running",
  paused: "paused",
  pmsuspended: "paused",
  "in shutdown": "stopping",
  "shut off": "inactive",
  crashed: "inactive",
};

/** Looks for a guest on one host. Throws when the host or its libvirtd does not answer: that is not "absent". */
export async function sight(session: SshSession, uuid: string): Promise<Sighting> {
  const id = quote(uuid);
  // The list must succeed: only then does a missing uuid mean that the guest is not here. One that leaves (the end of a migration)
  // between the list and the questions about it is not here either.
  const script = `export LC_ALL=C
virsh() { command virsh -q -c qemu:///system "$@"; }
leave_unless_here() {
  all=$(virsh list --all --uuid) || exit
  case "$all" in *${uuid}*) ;; *) exit 0 ;; esac
}
ask() {
  virsh domstate --reason ${id} && echo ${marker} && virsh dominfo ${id} && echo ${marker} && { virsh domjobinfo ${id} 2>/dev/null || true; }
}
leave_unless_here
said=$(ask) || { code=$?; leave_unless_here; exit $code; }
echo "$said"`;
  const { stdout } = await session.run(`looking for guest ${uuid}`, script);
  return parseSighting(session.target.name, stdout);
}

/** Reads what the script above prints: domstate --reason, dominfo and domjobinfo, apart by a marker; nothing for absent. */
export function parseSighting(host: string, printed: string): Sighting {
  const [stateText = "", info = "", job = ""] = printed.split(marker).map((part) => part.trim());
  if (!stateText) return { host, state: "absent", reason: "", persistent: false };
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
  };
}
