import { type DomainFacts, parseDomain } from "./domain-facts.ts";

/** What belongs to a guest at a host, apart from the running machine; people and backup programs add to it. */
export interface Belongings {
  /** Those that libvirt knows of; others show in the disks' files alone. */
  snapshots: string[];
  checkpoints: string[];
  /** Its memory is saved, and its next start goes on from that, with its old definition. */
  isSaved: boolean;
  /** It is started with its host. */
  startsWithHost: boolean;
  /** Disks that a block job works on. */
  blockJobs: string[];
  /** What it is started with next; absent: it is not defined, or libvirt did not say. */
  defined?: DomainFacts;
  /** The same, as libvirt prints it. */
  definition?: string;
}

/** One virsh for all of it: starting it takes longer than answering, and it goes on after what it cannot answer. */
export const belongingsProgram = `
definition() {
  local jobs="" target
  for target in $(virsh domblklist "$1" 2>/dev/null | awk '{ print $1 }'); do
    jobs="$jobs echo '==== job $target ===='; blockjob $1 $target --raw;"
  done
  echo definition
  virsh "dumpxml $1; echo '==== defined ===='; dumpxml --inactive $1; echo '==== snapshots ===='; snapshot-list --name $1;
    echo '==== checkpoints ===='; checkpoint-list --name $1; $jobs echo '==== info ===='; dominfo $1"
}
`;

const marker = /==== (\w+(?: \S+)?) ====/;

/** Reads what `definition` prints after its name. Undefined: the host has no such guest. */
export function parseBelongings(
  printed: string,
): { domain: DomainFacts; belongings: Belongings } | undefined {
  const [live = "", ...rest] = printed.split(marker);
  if (!live.trim()) return undefined;
  const parts = new Map<string, string>();
  for (let i = 0; i + 1 < rest.length; i += 2) parts.set(rest[i] as string, (rest[i + 1] as string).trim());
  const names = (part: string) => (parts.get(part) ?? "").split("\n").filter(Boolean);
  const info = parts.get("info") ?? "";
  const defined = parts.get("defined");
  return {
    domain: parseDomain(live),
    belongings: {
      snapshots: names("snapshots"),
      checkpoints: names("checkpoints"),
      isSaved: /^Managed save:\s*yes$/m.test(info),
      startsWithHost: /^Autostart:\s*enable$/m.test(info),
      blockJobs: [...parts].flatMap(([name, said]) =>
        name.startsWith("job ") && said !== "" ? [name.slice("job ".length)] : [],
      ),
      ...(defined && { defined: parseDomain(defined), definition: defined }),
    },
  };
}
