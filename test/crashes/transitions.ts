import { parseSighting } from "../../libvirt/sighting.ts";

// What libvirt makes of a guest when it is told something, as the simulation of crashes has it: told the simulated libvirt
// (transitions.test.ts) and a real one (test/lab/transitions.ts), so that the two cannot drift apart.

export const ends = ["host1", "host2"] as const;
type End = (typeof ends)[number];

/** Two hosts, as virsh reaches them. */
export interface Hosts {
  /** Runs a command of virsh's. Returns whether libvirt did it, and what it printed. */
  virsh(host: End, command: readonly string[], input?: string): Promise<{ done: boolean; stdout: string }>;
  /** Of the destination, for `virsh migrate`. */
  uri(host: End): string;
}

export const uuid = "5e7c3a52-0c1f-4d0b-9d5e-2f9f0a7d6c11";
export const name = "transitions";
/** Where the stories save the guest's memory. What belongs to a guest carries its uuid. */
export const statePath = `/var/tmp/${uuid}.state`;

/** A guest without a disk or a system: its CPUs run in its firmware. */
export const definition = `<domain type="qemu"><name>${name}</name><uuid>${uuid}</uuid><memory unit="MiB">16</memory>
<os><type arch="x86_64" machine="q35">hvm</type></os><features><acpi/></features><devices/></domain>`;

/** What a host says of the guest, such as `running, booted` or `off, saved`; `transient`: it has no definition. */
type Seen = string;

/** A command, what libvirt answers, and where the guest is then. Hosts that are not named have none. */
type Step = readonly [
  host: End,
  command: string,
  answer: "does" | "refuses",
  then: Partial<Record<End, Seen>>,
];

export const stories: Readonly<Record<string, readonly Step[]>> = {
  "from its definition to its end": [
    ["host1", "define", "does", { host1: "off" }],
    ["host1", "destroy", "refuses", { host1: "off" }],
    ["host1", "start", "does", { host1: "running, booted" }],
    ["host1", "start", "refuses", { host1: "running, booted" }],
    ["host1", "resume", "refuses", { host1: "running, booted" }],
    ["host1", "suspend", "does", { host1: "paused, user" }],
    ["host1", "resume", "does", { host1: "running, unpaused" }],
    ["host1", "domjobabort", "refuses", { host1: "running, unpaused" }],
    ["host1", "destroy", "does", { host1: "off" }],
    ["host1", "undefine", "does", {}],
    ["host1", "start", "refuses", {}],
  ],
  "that loses its definition while it runs": [
    ["host1", "define", "does", { host1: "off" }],
    ["host1", "start", "does", { host1: "running, booted" }],
    ["host1", "undefine", "does", { host1: "running, booted, transient" }],
    ["host1", "define", "does", { host1: "running, booted" }],
    ["host1", "undefine", "does", { host1: "running, booted, transient" }],
    ["host1", "destroy", "does", {}],
  ],
  "that is saved to a file and restored from it": [
    ["host1", "define", "does", { host1: "off" }],
    ["host1", "save", "refuses", { host1: "off" }],
    ["host1", "start", "does", { host1: "running, booted" }],
    ["host1", "save", "does", { host1: "off" }],
    ["host1", "restore --paused", "does", { host1: "paused, migrating" }],
    ["host1", "restore --paused", "refuses", { host1: "paused, migrating" }],
    ["host1", "resume", "does", { host1: "running, unpaused" }],
    ["host1", "destroy", "does", { host1: "off" }],
    ["host1", "undefine", "does", {}],
    ["host1", "restore --paused", "does", { host1: "paused, migrating, transient" }],
    ["host1", "destroy", "does", {}],
  ],
  "whose memory libvirt keeps": [
    ["host1", "define", "does", { host1: "off" }],
    ["host1", "start", "does", { host1: "running, booted" }],
    ["host1", "managedsave", "does", { host1: "off, saved" }],
    ["host1", "undefine", "refuses", { host1: "off, saved" }],
    ["host1", "start", "does", { host1: "running, restored" }],
    ["host1", "managedsave", "does", { host1: "off, saved" }],
    ["host1", "managedsave-remove", "does", { host1: "off" }],
    ["host1", "start", "does", { host1: "running, booted" }],
    ["host1", "managedsave", "does", { host1: "off, saved" }],
    ["host1", "undefine --managed-save", "does", {}],
  ],
  "that is migrated": [
    ["host1", "define", "does", { host1: "off" }],
    ["host1", "migrate --live --persistent --undefinesource", "refuses", { host1: "off" }],
    ["host1", "start", "does", { host1: "running, booted" }],
    ["host1", "migrate --live --persistent --undefinesource", "does", { host2: "running, migrated" }],
    ["host2", "migrate --live", "does", { host1: "running, migrated, transient", host2: "off" }],
    ["host1", "migrate --live --persistent", "does", { host2: "running, migrated" }],
    ["host2", "destroy", "does", { host2: "off" }],
    ["host2", "undefine", "does", {}],
  ],
  "that is defined, or runs, where it is migrated to": [
    ["host1", "define", "does", { host1: "off" }],
    ["host2", "define", "does", { host1: "off", host2: "off" }],
    ["host1", "start", "does", { host1: "running, booted", host2: "off" }],
    ["host1", "migrate --live --persistent", "does", { host1: "off", host2: "running, migrated" }],
    ["host1", "start", "does", { host1: "running, booted", host2: "running, migrated" }],
    [
      "host1",
      "migrate --live --persistent",
      "refuses",
      { host1: "running, booted", host2: "running, migrated" },
    ],
    ["host1", "destroy", "does", { host1: "off", host2: "running, migrated" }],
    ["host2", "destroy", "does", { host1: "off", host2: "off" }],
  ],
};

/** Plays a story, and returns what came of each step: equal to the story if libvirt is as it says. */
export async function play(story: readonly Step[], hosts: Hosts): Promise<Step[]> {
  const played: Step[] = [];
  for (const [host, command] of story) {
    const { done } = await hosts.virsh(host, words(command, hosts, host), definition);
    played.push([host, command, done ? "does" : "refuses", await whereabouts(hosts)]);
  }
  return played;
}

/** Ends and forgets the guest on both hosts, whatever it was in the middle of. */
export async function forget(hosts: Hosts): Promise<void> {
  await Promise.all(
    ends.map((end) => hosts.virsh(end, [`destroy ${uuid}; undefine ${uuid} --managed-save`])),
  );
}

function words(command: string, hosts: Hosts, host: End): string[] {
  const [verb = "", ...flags] = command.split(" ");
  switch (verb) {
    case "define":
      return [verb, "/dev/stdin"];
    case "save":
      return [verb, uuid, statePath];
    case "restore":
      return [verb, statePath, ...flags];
    case "migrate":
      return [verb, ...flags, uuid, hosts.uri(host === "host1" ? "host2" : "host1")];
    default:
      return [verb, uuid, ...flags];
  }
}

async function whereabouts(hosts: Hosts): Promise<Partial<Record<End, Seen>>> {
  const seen = await Promise.all(ends.map(async (end) => [end, await sight(hosts, end)] as const));
  return Object.fromEntries(seen.flatMap(([end, sighting]) => (sighting ? [[end, sighting]] : [])));
}

async function sight(hosts: Hosts, host: End): Promise<Seen | undefined> {
  const looks = [`domstate --reason ${uuid}`, `dominfo ${uuid}`, `domjobinfo ${uuid}`, "list --all --uuid"];
  const { stdout } = await hosts.virsh(host, [looks.join("; echo ====; ")]);
  const sighting = parseSighting(host, uuid, stdout);
  if (!sighting) throw new Error(`${host} has the guest and says nothing of it: ${stdout}`);
  const { state, reason, persistent, isSaved, job } = sighting;
  if (state === "absent") return undefined;
  const said =
    state === "inactive" ? ["off", isSaved && "saved"] : [state, reason, !persistent && "transient"];
  return [...said, job].filter(Boolean).join(", ");
}
