import { readFileSync } from "node:fs";

/**
 * What start.sh wrote when it last saw to a container: "generation pid startTime supervisorPid". Pids are this
 * machine's; the start time (clock ticks after boot) keeps a later process with the same pid from being taken for it.
 */
interface Sighting {
  generation: number;
  pid: string;
  startTime: string;
  supervisor: string;
}

/** How a running process is known: when it started and what it is called; undefined when there is none. */
export type ProcessLookup = (pid: string) => { startTime: string; command: string } | undefined;

/**
 * A number that stays the same as long as a container lives and is one higher once it is dead: as an input of the
 * resource that starts it, it makes the next `pulumi up` start a dead one again and leave a living one alone.
 *
 * @param sighting the text that start.sh wrote, or undefined when the host never ran
 */
export function generation(sighting: string | undefined, lookup: ProcessLookup): number {
  const seen = parse(sighting);
  if (!seen) return 1;
  return isAlive(seen, lookup) ? seen.generation : seen.generation + 1;
}

const isAlive = ({ pid, startTime, supervisor }: Sighting, lookup: ProcessLookup): boolean =>
  lookup(pid)?.startTime === startTime && lookup(supervisor)?.command === "systemd-nspawn";

/** The generation of a lab's host on this machine, from what is written down and what runs now. */
export const currentGeneration = (lab: string, host: string): number =>
  generation(sightingOf(lab, host), processOf);

/** The one in which it was seen last, whether it runs or not. */
export const writtenGeneration = (lab: string, host: string): number =>
  parse(sightingOf(lab, host))?.generation ?? 1;

function sightingOf(lab: string, host: string): string | undefined {
  const folder = `/var/lib/kvm-migration-testbed/${lab}`;
  // Where the previous version kept a host, which stays there.
  return read(`${folder}/hosts/${host}/alive`) ?? read(`${folder}/${host}/alive`);
}

/** Whether the container of a lab's host runs on this machine. */
export const isRunning = (lab: string, host: string): boolean => {
  const seen = parse(sightingOf(lab, host));
  return seen !== undefined && isAlive(seen, processOf);
};

function parse(text: string | undefined): Sighting | undefined {
  const [generation, pid, startTime, supervisor] = text?.trim().split(" ") ?? [];
  if (!generation || !pid || !startTime) return undefined;
  return { generation: Number(generation), pid, startTime, supervisor: supervisor ?? "" };
}

const processOf: ProcessLookup = (pid) => parseStat(pid && read(`/proc/${pid}/stat`));

/** The kernel's mark of a process that ends, and of which some things may still be there. */
const exiting = 0x4;

/** Reads /proc/PID/stat. Undefined: there is no such process, or it is as good as gone. */
export function parseStat(stat: string | undefined): ReturnType<ProcessLookup> {
  if (!stat) return undefined;
  // "pid (command) state ppid …": the command may hold blanks and brackets. Flags are field 9, the start time is field 22.
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).split(" ");
  if (Number(fields[6]) & exiting) return undefined;
  return { command: stat.slice(stat.indexOf("(") + 1, end), startTime: fields[19] ?? "" };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
