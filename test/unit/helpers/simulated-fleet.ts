import type { Fleet } from "../../../fleet/fleet.ts";
import { intentsProgram } from "../../../fleet/intent.ts";
import { nvramProgram } from "../../../fleet/nvram.ts";
import { isListening } from "../../../libvirt/listening.ts";
import { guestsProgram } from "../../../libvirt/sighting.ts";
import { surveyProgram } from "../../../libvirt/survey.ts";
import { proofProgram } from "../../../migration/preflight/proofs.ts";
import { queueProgram } from "../../../migration/queue/queue.ts";
import { CommandFailed, ConnectionLost, HostUnreachable } from "../../../ssh/errors.ts";
import type { ClockReading, CommandOutput, Follower, RunOptions } from "../../../ssh/session.ts";
import type { SshTarget } from "../../../ssh/target.ts";
import {
  atOnce,
  bash,
  type FileNode,
  failed,
  filePrograms,
  ok,
  type Program,
  type Result,
  type Running,
} from "./simulated-shell.ts";

/** The memory of a guest: from which boot it is, and what of the disk's history it knows. */
interface Memory {
  boot: number;
  epoch: number;
}

interface Domain {
  uuid: string;
  name: string;
  state: "running" | "paused" | "crashed" | "inactive";
  reason: string;
  persistent: boolean;
  xml: string;
  job?: string;
  memory?: Memory;
  /** The overlay that its QEMU has open, where that is a file of the machine's own. */
  disk?: FileNode;
  /** Its memory is spread over two hosts. */
  isSplit?: boolean;
  /** Someone asked for the end of its pre-copy: by post-copy, or by none. */
  asked?: "postcopy" | "abort";
  /** It is being restored: no job is shown, and whoever wants to resume it waits. */
  loading?: boolean;
  /** Internal snapshots that libvirt knows of. */
  snapshots?: string[];
  /** It is off, and its memory is saved. */
  isSaved?: boolean;
}

/** Thrown into a step of libvirt's that does not come to its end; libvirt then undoes it. */
class Undone extends Error {}

/** A guest went away under a step of libvirt's, which then undoes what it can. */
class Gone extends Undone {}

/** The program that gave commands is dead: nothing that it still does reaches any machine. */
export class Crash extends Error {}

/** What befalls a command at one of its steps. */
export type Fate =
  /** Our program dies, and what it had begun on the host goes on. */
  | "crash, goes on"
  /** Our program dies, and what it had begun is undone where libvirt can, and stops halfway where not. */
  | "crash, stops"
  /** Our program and the source's libvirtd die: nothing is undone, and QEMUs stay as they are. */
  | "crash with libvirtd"
  /** The command fails; our program lives. */
  | "fails"
  /** Our program lives and hears no more of the command, which goes on on the host. */
  | "is lost sight of"
  /** The person interrupts our program, which goes on. */
  | "interrupted"
  /** The connection to the host breaks and cannot be made again in this run; what was begun goes on. */
  | "unreachable"
  /** The connection that holds the guest's lock breaks; our program goes on. */
  | "loses its lock";

export const crashes = ["crash, goes on", "crash, stops", "crash with libvirtd"] as const;

/** Where a machine has the overlays that are its own. */
const ownDisks = "/var/lib/kvm-migration-testbed/disks/";
export const ownDisk = (guest: string): string => `${ownDisks}${guest}.qcow2`;
/** What is in an overlay: how often the guest has begun to run on it. */
export const overlayText = (epoch: number): string => `overlay of epoch ${epoch}`;

/** Shell functions of the engine's own, which are programs here. */
const programs = [surveyProgram, proofProgram, queueProgram, guestsProgram, intentsProgram, nvramProgram];

/** How the engine asks when a disk was last written to. */
const stampFormat = "%i %s %.Y";

/** What a libvirt adds to a definition by itself. One of another age, as any other host may have, knows no such device. */
const withImplicit = (xml: string, host: string) =>
  xml.replace("</devices>", `<implicit of='${host}'/></devices>`);

const magic = { partial: "LibvirtQemudPart", complete: "LibvirtQemudSave" };

/** Machines in memory that understand what the engine tells them, and take note of what must never happen. */
export class SimulatedFleet {
  readonly machines: Machine[];
  readonly fleet: Fleet;
  /** What happened that never may: two copies running, an old memory on a newer disk. */
  readonly violations: string[] = [];
  /** All that was done, for a failing test's message. */
  readonly log: string[] = [];
  /** How often a copy of each guest began to run on its disk. */
  readonly diskEpochs = new Map<string, number>();
  /** The image that a guest wrote to last, where that is not its overlay; and how new its overlay is since then. */
  readonly snapshots = new Map<string, { path: string; overlayEpoch: number }>();
  /** The limits that transfers began with. */
  readonly bandwidths: { uuid: string; MiBps: number }[] = [];
  /** The most moves that a host took part in at a time. */
  readonly mostAtOnce = new Map<string, number>();
  boots = 0;
  /** Whether guests get their memory dirty so fast that pre-copy does not end by itself; time passes while it goes on. */
  isHot = false;
  /** How many steps it takes to write a guest's memory to a file. */
  saveSteps = 1;
  /** How many steps it takes until all of a guest's memory has followed by post-copy. */
  pullSteps = 2;
  /** Whether guests' overlays are on their machines' own disks. */
  isLocal = false;
  /** Which run of our program may speak to machines. */
  generation = 0;
  unreachable = new Set<string>();
  /** Who asks the guest for an answer, all the time. */
  readonly probers = new Set<(line: string) => void>();
  /** Who tells how busy its machine is, all the time. */
  readonly samplers = new Map<(line: string) => void, Machine>();
  /** Whether any does. */
  tellsLoad = true;
  /** Whether machines listen to events. */
  listens = true;
  /** What interrupts our program. */
  readonly interruption = new AbortController();
  /** What libvirt knows of the guest's address. */
  guestAddress: string | undefined;
  /** Whether the guest's network answers, if the guest runs. */
  answers = true;
  /** What a machine always refuses to do, by its name: virsh's subcommand, or a program. */
  refusals = new Map<string, string>();
  /** How often the NFS server, just started, lets nobody write. */
  graceAnswers = 0;
  #background: Running[] = [];
  readonly #guestsOwn = new WeakSet<Running>();
  /** What our program waits for, and where. */
  readonly #inFlight = new Map<Running, Machine>();
  #fate: { inSteps: number; fate: Fate | (() => unknown) } | undefined;

  constructor(hosts: readonly string[], clockOffsetsMs: Record<string, number> = {}) {
    const machine = (name: string, index: number) =>
      new Machine(this, name, `10.77.0.${10 + index}`, clockOffsetsMs[name] ?? 0);
    this.machines = ["storage", ...hosts].map(machine);
    for (const { files } of this.machines.slice(1)) files.mounted = this.machines[0]?.files;
    const [storage, ...others] = this.machines.map(({ name, address }) => ({
      name,
      ssh: { name, address, port: 22, user: "root" },
      peerAddress: address,
    }));
    this.fleet = {
      hosts: Object.fromEntries(others.map(({ name, ...host }) => [name, host])),
      storage: { ssh: (storage as { ssh: SshTarget }).ssh, intentDirectory: "/export/testbed/.migrations" },
    };
  }

  machine(name: string): Machine {
    const found = this.machines.find((each) => each.name === name || each.address === name);
    if (!found) throw new Error(`no machine ${name} is simulated`);
    return found;
  }

  /** Of the guest whose disk on the shared storage has this name. */
  epochOnExport(path: string): number {
    const all = this.machines.flatMap(({ domains }) => [...domains.values()]);
    const owner = all.find(({ name }) => path === `${exported}${name}.qcow2`);
    for (const [uuid, snapshot] of this.snapshots) if (path === snapshot.path) return this.diskEpoch(uuid);
    return owner ? (this.snapshots.get(owner.uuid)?.overlayEpoch ?? this.diskEpoch(owner.uuid)) : 0;
  }

  diskEpoch(uuid: string): number {
    return this.diskEpochs.get(uuid) ?? 0;
  }

  /** Moves that were begun and not ended yet are those with an intent record. */
  countMoves(): void {
    const records = [...this.machine("storage").files].filter(([path]) => path.endsWith(".json"));
    const intents = records.map(([, { text }]) => JSON.parse(text) as { from: string; to: string });
    for (const { name } of this.machines) {
      const count = intents.filter(({ from, to }) => from === name || to === name).length;
      this.mostAtOnce.set(name, Math.max(count, this.mostAtOnce.get(name) ?? 0));
    }
  }

  /** Where the guest's CPUs run. */
  runningOn(uuid: string): string[] {
    return this.machines
      .filter((each) => each.domains.get(uuid)?.state === "running")
      .map(({ name }) => name);
  }

  /** Everything that a settled fleet has only once, or not at all. */
  traces(uuid: string): string[] {
    return this.machines.flatMap(({ name, domains, files }) => [
      ...(domains.has(uuid) ? [`${name}: ${domains.get(uuid)?.state}`] : []),
      ...[...files.keys()].filter((path) => !path.startsWith("/var/log/")).map((path) => `${name}: ${path}`),
    ]);
  }

  /** The next run of our program; what the last one left running on hosts goes on. */
  newRun(): void {
    this.generation++;
    this.unreachable.clear();
    this.#fate = undefined;
    this.probers.clear();
    this.samplers.clear();
    for (const machine of this.machines) machine.dropConnections();
  }

  /** Lets `fate` befall the command that does the step after so many; or has a person do something then. */
  plan(fate: Fate | (() => unknown), inSteps: number): void {
    this.#fate = { inSteps, fate };
  }

  get isFatePending(): boolean {
    return this.#fate !== undefined;
  }

  /** What goes on by itself makes one step. */
  tick(): void {
    this.#probe();
    for (const [tell, machine] of this.tellsLoad ? this.samplers : [])
      tell(JSON.stringify({ at: Number(machine.now()), hostCpuMs: 5 }));
    this.#background = this.#background.filter((running) => !running.next().done);
  }

  #probe(): void {
    const [storage] = this.machines;
    const runs = this.machines.some(({ domains }) =>
      [...domains.values()].some((d) => d.state === "running"),
    );
    for (const onLine of this.probers) {
      const atUs = Math.round(Number(storage?.now()) * 1e6);
      const answers = runs && this.answers ? [["icmp", atUs, atUs]] : [];
      onLine(JSON.stringify({ atUs, sent: { icmp: 1, tcp: 0 }, lateUs: 90, answers }));
    }
  }

  inBackground(running: Running): void {
    this.#background.push(running);
  }

  /** What a guest does by itself, whoever dies. */
  inGuest(running: Running): void {
    this.#guestsOwn.add(running);
    this.inBackground(running);
  }

  /** libvirt goes on with nothing, and does not say so. */
  stopBackground(): void {
    for (const running of this.#background) running.return(failed(""));
    this.#background = [];
  }

  finishBackground(): void {
    while (this.#background.length > 0) this.tick();
  }

  /** Drives a command to its end, or to the point where something befalls it. Others make their steps in between. */
  async drive(running: Running, machine: Machine, target: SshTarget, signal?: AbortSignal): Promise<Result> {
    const { generation } = this;
    this.#inFlight.set(running, machine);
    try {
      for (;;) {
        await (this.isHot ? new Promise(setImmediate) : undefined);
        if (this.generation !== generation) throw new Crash("this run is dead");
        if (this.unreachable.has(machine.name)) throw new ConnectionLost(target, "Connection closed");
        if (signal?.aborted) {
          running.return(failed(""));
          return failed((signal.reason as Error).message);
        }
        this.tick();
        const { done, value } = running.next();
        if (done) return value as Result;
        if (!this.#fate || this.#fate.inSteps-- > 0) continue;
        const { fate } = this.#fate;
        this.#fate = undefined;
        if (typeof fate === "function") {
          fate();
          continue;
        }
        this.log.push(`-- ${fate}`);
        if (fate === "fails") {
          undo(running);
          return failed("error: it failed");
        }
        if (fate === "is lost sight of") {
          this.inBackground(running);
          return failed("error: no answer", -1);
        }
        if (fate === "interrupted") {
          this.interruption.abort(new Error("the update was interrupted"));
          continue;
        }
        if (fate === "unreachable") {
          this.unreachable.add(machine.name);
          machine.loseLocks();
          for (const [each, at] of this.#inFlight) if (at === machine) this.inBackground(each);
          continue;
        }
        if (fate === "loses its lock") {
          for (const each of this.machines) each.loseLocks();
          continue;
        }
        this.#crash(fate);
      }
    } finally {
      this.#inFlight.delete(running);
    }
  }

  /** Our program dies in the middle of its commands. */
  #crash(fate: (typeof crashes)[number]): void {
    this.generation++;
    for (const running of this.#inFlight.keys()) {
      if (fate === "crash, goes on") this.inBackground(running);
      else if (fate === "crash, stops") undo(running);
      else running.return(failed(""));
    }
    if (fate !== "crash with libvirtd") return;
    // What earlier runs left to libvirt ends with it; what a guest does by itself does not.
    for (const running of this.#background) if (!this.#guestsOwn.has(running)) running.return(failed(""));
    for (const { domains } of this.machines) {
      for (const domain of domains.values()) {
        delete domain.asked;
        if (domain.isSplit) domain.reason = "post-copy failed";
        else delete domain.job;
        // A QEMU that did not get all of its memory yet is ended.
        if (domain.loading) this.#end(domain, domains);
      }
    }
  }

  /**
   * A person gives a machine a command of virsh's, while no run of our program works. Returns its exit code: what libvirt refuses, a
   * person cannot do either.
   */
  byHand(name: string, command: string[], stdin = ""): number {
    return this.virsh(name, command, stdin).exitCode;
  }

  virsh(name: string, command: string[], stdin: string): Result {
    this.log.push(`-- by hand on ${name}: virsh ${command.join(" ")}`);
    const running = this.machine(name).virshByHand(command, stdin);
    for (;;) {
      this.tick();
      const { done, value } = running.next();
      if (done) return value as Result;
    }
  }

  /** A power cut at a host: what ran there is gone, what is on its disk stays. */
  cutPower(name: string): void {
    const { domains } = this.machine(name);
    for (const domain of [...domains.values()]) this.#end(domain, domains);
    for (const { domains } of this.machines) {
      for (const domain of domains.values()) if (domain.isSplit) domain.reason = "post-copy failed";
    }
  }

  #end(domain: Domain, domains: Map<string, Domain>): void {
    if (domain.state === "inactive") return;
    if (!domain.persistent) domains.delete(domain.uuid);
    Object.assign(domain, { state: "inactive", reason: "crashed" });
    forget(domain);
  }
}

/** What a guest that is off has no more. */
const savePath = ({ name }: { name: string }): string => `/var/lib/libvirt/qemu/save/${name}.save`;

function forget(domain: Domain): void {
  delete domain.memory;
  delete domain.disk;
  delete domain.job;
  delete domain.loading;
  delete domain.isSplit;
  delete domain.asked;
}

/** libvirt undoes the step that is under way, and what would have come after it never comes. */
function undo(running: Running): void {
  try {
    running.throw(new Undone());
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  }
}

/** The storage host's export, as all machines have it mounted. */
const exported = "/export/testbed/";

/** A machine's files: its own, and what it mounts. */
class Files extends Map<string, FileNode> {
  mounted?: Map<string, FileNode>;

  #elsewhere(path: string): Map<string, FileNode> | undefined {
    return path.startsWith(exported) ? this.mounted : undefined;
  }
  override get(path: string) {
    return this.#elsewhere(path)?.get(path) ?? super.get(path);
  }
  override has(path: string) {
    return this.get(path) !== undefined;
  }
  override set(path: string, file: FileNode) {
    const elsewhere = this.#elsewhere(path);
    if (!elsewhere) return super.set(path, file);
    elsewhere.set(path, file);
    return this;
  }
}

export class Machine {
  readonly files = new Files();
  readonly domains = new Map<string, Domain>();
  readonly listeners = new Set<(line: string) => void>();
  readonly jobListeners = new Set<(line: string) => void>();
  readonly #programs: Record<string, Program>;
  readonly #locks = new Map<string, (() => void)[]>();
  /** What ends the connections that hold locks. */
  readonly lockEnds = new Set<() => void>();
  readonly #queue = new Map<string, string>();
  readonly #watchers = new Map<string, (line: string) => void>();
  #lastMs = 0;
  /** What it says about itself when a guest is to come or to go. */
  availableMiB = 16_000;
  spaceMiB = 50_000;
  bridges: Record<string, number> = { br0: 1500 };
  /** Of libvirt's. */
  networks: string[] = [];
  cpuVerdict = "fits";
  /** UEFI's files are there. */
  hasUefi = true;
  userfaultfd = "usable";
  /** TCP ports that something listens on. */
  takenPorts: number[] = [];
  /** What its QEMU is told that opens a disk. */
  noAccess: string | undefined;
  /** How far its clock runs ahead from one reading of it to the next. */
  clockDriftMs = 0;
  machineTypes = ["pc-q35-7.2", "pc-q35-8.2"];

  readonly world: SimulatedFleet;
  readonly name: string;
  readonly address: string;
  clockOffsetMs: number;

  constructor(world: SimulatedFleet, name: string, address: string, clockOffsetMs: number) {
    this.world = world;
    this.name = name;
    this.address = address;
    this.clockOffsetMs = clockOffsetMs;
    const usual = filePrograms(this.files);
    this.#programs = {
      ...usual,
      ...this.#surveyPrograms(),
      virsh: (args, stdin) => this.#virsh(args, stdin),
      // A disk is as new as the last run of the guest on it.
      stat: (args, stdin) => {
        const path = args.at(-1) ?? "";
        if (args[1] !== stampFormat) return (usual.stat as Program)(args, stdin);
        // Ten seconds pass from one run of the guest to the next, and its memory is saved in between.
        const text = this.files.get(path)?.text;
        const isOnExport = path.startsWith(exported);
        const epoch = isOnExport
          ? this.world.epochOnExport(path)
          : Number(/epoch"?:? ?(\d+)/.exec(text ?? "")?.[1]);
        const atS = this.clockOffsetMs / 1000 + 10 * epoch + (/\.(state|save)$/.test(path) ? 1 : 0);
        const isThere = isOnExport || text !== undefined;
        const stamp = isThere ? `1 ${text?.length ?? 0} ${atS}` : undefined;
        return atOnce(() => (stamp === undefined ? failed("") : ok(`${stamp}\n`)))([], "");
      },
      echo: atOnce((words) => ok(`${words.join(" ")}\n`)),
      "qemu-img": atOnce((args) => {
        if (args[0] === "info" && !this.files.has(args.at(-1) ?? "")) return failed("Could not open it");
        if (args[0] === "info") return ok('{ "virtual-size": 4294967296, "format": "qcow2" }');
        this.files.set(args.at(-2) ?? "", { text: overlayText(0) });
        return ok();
      }),
      ssh: (args) => this.#ssh(args),
      empty_variables: atOnce(([template = ""]) =>
        this.hasUefi ? ok(`empty ${template}`) : failed(`${template} is missing`),
      ),
      make_variables: atOnce(([path = ""], input) => {
        if (!this.files.has(path)) this.files.set(path, { text: input });
        return ok();
      }),
      scp: (args) => this.#scp(args),
    };
  }

  /** Calls back once nobody before us has the lock; returns what gives it, or the place in the queue, up. */
  waitForLock(path: string, have: () => void): () => void {
    const queue = this.#locks.get(path) ?? [];
    this.#locks.set(path, queue);
    queue.push(have);
    const first = () => queueMicrotask(() => queue[0]?.());
    if (queue.length === 1) first();
    return () => {
      const place = queue.indexOf(have);
      if (place < 0) return;
      queue.splice(place, 1);
      if (place === 0) first();
    };
  }

  /** The connections end that hold locks, and who waits for one has it. */
  loseLocks(): void {
    for (const end of this.lockEnds) end();
  }

  #queueText(): string {
    return [...this.#queue.values()].join("\n");
  }

  /** Those that were there before are before it. */
  #stand(uuid: string, entry: string): void {
    this.#queue.delete(uuid);
    this.#queue.set(uuid, entry);
    this.#showQueue();
  }

  #showQueue(): void {
    const lines = [...this.#queue.values(), "--"];
    for (const show of this.#watchers.values()) queueMicrotask(() => lines.forEach(show));
  }

  /** Stands in the queue of those that are to move; returns what leaves it. */
  joinQueue(uuid: string, waiting: string, moving: string, show: (line: string) => void): () => void {
    this.#watchers.set(uuid, show);
    this.#stand(uuid, this.#queue.size === 0 ? moving : waiting);
    return () => {
      if (this.#watchers.get(uuid) !== show) return;
      this.#watchers.delete(uuid);
      this.#queue.delete(uuid);
      this.#showQueue();
    };
  }

  /** Connections of dead programs end, and with them what they held. */
  dropConnections(): void {
    this.listeners.clear();
    this.jobListeners.clear();
    this.#queue.clear();
    this.#watchers.clear();
    this.#locks.clear();
    this.lockEnds.clear();
  }

  shell(script: string, stdin: string): Running {
    const own = programs.reduce((text, each) => text.replace(each, ""), script);
    // A link of 1000 MiB/s, where bash speaks TCP.
    if (own.includes("/dev/tcp/"))
      return atOnce(() =>
        ok(
          "1.5 2.5 4000+0 records in\n4000+0 records out\n1048576000 bytes (1.0 GB) copied, 1 s, 1.0 GB/s\n",
        ),
      )([], "");
    // A log that is never renamed here, though bash would look: its end is its length.
    const [, log = "", bytes] = /^log='(.*?)'(?: inode=0 bytes=(\d+))?/.exec(script) ?? [];
    if (bytes) return this.shell(`tail -c +${Number(bytes) + 1} '${log}'`, "");
    if (log) return this.shell(`stat -c '0 %s' '${log}'\n${script.split("\n").slice(2).join("\n")}`, "");
    const program = (name: string): Program => {
      if (this.world.refusals.get(this.name) === name) {
        return atOnce(() => failed(`${name}: No space left on device`));
      }
      const found = this.#programs[name];
      if (!found) throw new Error(`the simulated machine has no program ${name}, in: ${script}`);
      return found;
    };
    return bash(own, stdin, { files: this.files, program });
  }

  /** The functions of the engine's own scripts, by what they answer. */
  #surveyPrograms(): Record<string, Program> {
    const lines = (key: string, values: readonly string[]) =>
      ok(values.map((each) => `${key} ${each}\n`).join(""));
    const found = (uuid: string | undefined) => (uuid === undefined ? failed("") : ok(`namesake ${uuid}\n`));
    return {
      memory: atOnce(() => ok(`memory ${this.availableMiB}\n`)),
      resident: atOnce((guests) => {
        const here = [...this.domains.values()].filter(
          ({ name, state }) => guests.includes(name) && state !== "inactive",
        );
        return lines(
          "resident",
          here.map(({ name }) => `${name} 100`),
        );
      }),
      size: atOnce(([path = ""]) => {
        const file = this.files.get(path);
        return file ? ok(`size ${file.text.length}\n`) : failed(`stat: cannot statx '${path}'`);
      }),
      space: atOnce(([directory]) => ok(`space ${directory} ${this.spaceMiB}\n`)),
      bridges: atOnce(() =>
        lines(
          "bridge",
          Object.entries(this.bridges).map(([name, mtu]) => `${name} ${mtu}`),
        ),
      ),
      networks: atOnce(() => lines("network", this.networks)),
      links: atOnce(() => lines("link", ["lo", ...Object.keys(this.bridges)])),
      machines: atOnce(() => lines("machine", this.machineTypes)),
      userfaultfd: atOnce(() => ok(`userfaultfd ${this.userfaultfd}\n`)),
      namesake: atOnce(([guest]) =>
        found([...this.domains.values()].find(({ name }) => name === guest)?.uuid),
      ),
      cpu: atOnce(() => ok(`cpu ${this.cpuVerdict}\n`)),
      listen: atOnce(([, last]) => ok(`port ${last}\n`)),
      definition: atOnce(([uuid = ""]) => {
        const domain = this.domains.get(uuid);
        if (!domain) return ok("definition\n");
        const { xml, snapshots = [], isSaved } = domain;
        const info = `Managed save:   ${isSaved ? "yes" : "no"}`;
        return ok(
          `definition\n${xml}\n==== defined ====${xml}\n==== snapshots ====${snapshots.join("\n")}\n==== info ====${info}\n`,
        );
      }),
      over: atOnce(([path = ""]) =>
        lines(
          "over",
          [...(this.files.mounted ?? this.files)].flatMap(([other, { text }]) =>
            text === `over ${path}` ? [other] : [],
          ),
        ),
      ),
      files: atOnce((paths) =>
        lines(
          "file",
          paths.map((path) => `1 1 1 ${this.noAccess ?? "writable"} ${path}`),
        ),
      ),
      taken: atOnce((ports) =>
        lines(
          "taken",
          ports.filter((port) => this.takenPorts.includes(Number(port))),
        ),
      ),
      guests: atOnce(() => ok(this.#allSightings())),
      intents: atOnce((folders) => {
        const records = folders.flatMap((folder) =>
          [...this.files].filter(([path]) => path.startsWith(`${folder}/`) && path.endsWith(".json")),
        );
        return ok(
          records.map(([path, { text }]) => `${Buffer.from(text).toString("base64")} ${path}\n`).join(""),
        );
      }),
      put: function* (this: Machine, [, path = "", text = ""]: string[]) {
        if (this.world.graceAnswers-- > 0) return failed(`put: ${path}: Resource temporarily unavailable`);
        this.files.set(path, { text });
        yield;
        return ok("written\n");
      }.bind(this),
      get: atOnce(([, path = ""]) => {
        const file = this.files.get(path);
        return file ? ok(`${file.text}\n`) : failed(`cat: ${path}: No such file or directory`);
      }),
      call: atOnce(() => ok("through\n")),
      take: atOnce(([, uuid = "", entry = ""], expected) => {
        if (this.#queueText() !== expected) return ok(`changed\n${this.#queueText()}\n`);
        this.#stand(uuid, entry);
        return ok("taken\n");
      }),
    };
  }

  /** What the engine's scripts print that look for a guest, and for all of them. */
  sighting(uuid: string): string {
    const list = [...this.domains.keys()].join("\n");
    return `${this.#aboutGuest(uuid)}====\n${list}\n`;
  }

  #allSightings(): string {
    const guests = [...this.domains.values()];
    const described = guests.map(({ uuid }) => `==== guest ${uuid}${this.#aboutGuest(uuid)}`);
    return `${described.join("")}==== all${guests.map(({ uuid, name }) => `${uuid} ${name}\n`).join("")}`;
  }

  #aboutGuest(uuid: string): string {
    const domain = this.domains.get(uuid);
    if (!domain) return "====\n====\n";
    const state = domain.state === "inactive" ? "shut off" : domain.state;
    const job = domain.job ? `Unbounded\nOperation:        ${domain.job}` : "None";
    const saved = `Managed save:   ${domain.isSaved ? "yes" : "no"}`;
    const info = `Persistent:     ${domain.persistent ? "yes" : "no"}\n${saved}`;
    return `${state} (${domain.reason})\n\n====\n${info}\n====\nJob type:         ${job}\n`;
  }

  /** Boots a guest that is defined here. */
  boot(domain: Domain): void {
    domain.memory = { boot: ++this.world.boots, epoch: this.world.diskEpoch(domain.uuid) };
    this.#open(domain);
    this.#run(domain, "booted");
  }

  /** A new guest's overlay. */
  makeDisk(guest: string): void {
    this.files.set(ownDisk(guest), { text: overlayText(0) });
  }

  #ownDisk({ xml }: Domain): string | undefined {
    return new RegExp(`<source file="(${ownDisks}[^"]*)"`).exec(xml)?.[1];
  }

  #lacksDisk(domain: Domain): Result | undefined {
    const path = this.#ownDisk(domain);
    return path === undefined || this.files.has(path)
      ? undefined
      : failed(`error: Cannot access storage file '${path}': No such file or directory`);
  }

  #open(domain: Domain): void {
    const file = this.files.get(this.#ownDisk(domain) ?? "");
    if (file) domain.disk = file;
  }

  /** As this program defines a guest. */
  definitionOf({ uuid, name }: Pick<Domain, "uuid" | "name">): string {
    const overlay = this.world.isLocal ? ownDisk(name) : `${exported}${name}.qcow2`;
    return (
      `<domain><name>${name}</name><uuid>${uuid}</uuid><os><type machine="pc-q35-7.2">hvm</type></os><devices>` +
      `<disk><driver cache="none"/><source file="${overlay}"/><backingStore><source file="${exported}base.qcow2"/></backingStore><target dev="vda"/></disk>` +
      `<interface type="bridge"><source bridge="br0"/></interface></devices></domain>`
    );
  }

  add(domain: Pick<Domain, "uuid" | "name">): Domain {
    const made: Domain = {
      ...domain,
      xml: this.definitionOf(domain),
      state: "inactive",
      reason: "",
      persistent: true,
    };
    this.domains.set(domain.uuid, made);
    this.files.set(`/var/log/libvirt/qemu/${domain.name}.log`, { text: "starting up\n" });
    return made;
  }

  /** Lets the guest's CPUs run. */
  #run(domain: Domain, reason: string): void {
    const { world } = this;
    const elsewhere = world.runningOn(domain.uuid);
    if (elsewhere.length > 0) world.violations.push(`runs on ${this.name} and on ${elsewhere.join()}`);
    const epoch = world.diskEpoch(domain.uuid);
    this.#writesToSnapshot(domain);
    const newest = world.snapshots.get(domain.uuid)?.path;
    if (newest !== undefined && !domain.xml.includes(`"${newest}"`))
      world.violations.push(`runs on its overlay, and wrote to ${newest} since`);
    if (domain.memory?.epoch !== epoch) {
      world.violations.push(`a memory of epoch ${domain.memory?.epoch} runs on a disk of epoch ${epoch}`);
    }
    if (this.#ownDisk(domain) !== undefined) {
      if (domain.disk?.text !== overlayText(epoch)) {
        world.violations.push(`runs on a ${domain.disk?.text} where the newest is of epoch ${epoch}`);
      }
      if (domain.disk) domain.disk.text = overlayText(epoch + 1);
    }
    world.diskEpochs.set(domain.uuid, epoch + 1);
    if (domain.memory) domain.memory = { ...domain.memory, epoch: epoch + 1 };
    Object.assign(domain, { state: "running", reason });
    this.#emit("RESUME", domain);
  }

  /** One that was made of a guest that is off has nothing in it until the guest runs on it. */
  #writesToSnapshot({ uuid, name, xml }: Domain): void {
    const [, path] = new RegExp(`<source file="(${exported}${name}[.](?!qcow2)[^"]*)"`).exec(xml) ?? [];
    if (path === undefined || this.world.snapshots.has(uuid)) return;
    this.world.snapshots.set(uuid, { path, overlayEpoch: this.world.diskEpoch(uuid) });
  }

  #emit(event: string, { name }: Domain, data?: object): void {
    const line = `event ${event} at ${this.now()} for domain '${name}': ${data ? JSON.stringify(data) : "<null>"}`;
    for (const listener of this.listeners) listener(line);
  }

  #trace(domain: Domain, text: string): void {
    const log = this.files.get(`/var/log/libvirt/qemu/${domain.name}.log`);
    if (log) log.text += `4711@${this.now()}:${text}\n`;
  }

  /** This machine's wall clock in seconds, to the microsecond. */
  now(): string {
    const nowMs = performance.timeOrigin + performance.now() + this.clockOffsetMs;
    this.#lastMs = Math.max(nowMs, this.#lastMs + 0.001);
    return (this.#lastMs / 1000).toFixed(6);
  }

  *#ssh(args: string[]): Running {
    // To a connection that is open already: none is kept here.
    if (args.includes("-O")) return ok();
    const rest = operands(args);
    const [, address = ""] = rest[0]?.split("@") ?? [];
    const line = rest.slice(1).join(" ");
    const script = scriptIn(line);
    if (script === undefined) return failed(`root's login shell does not read this: ${line}`);
    return yield* this.world.machine(address).shell(script, "");
  }

  *#scp(args: string[]): Running {
    const [from = "", to = ""] = operands(args);
    const [, address = "", path = ""] = /@(.*?):(.*)$/.exec(to) ?? [];
    const original = this.files.get(from);
    if (!original) return failed(`scp: stat local "${from}": No such file or directory`);
    // The file that was opened is written to the end, whatever becomes of its name.
    const files = this.world.machine(address).files;
    const copy = files.get(path) ?? { text: "" };
    copy.text = "";
    files.set(path, copy);
    yield;
    copy.text = original.text.slice(0, original.text.length - 5);
    yield;
    copy.text = original.text;
    return ok();
  }

  /** What it does when a person tells it to. */
  virshByHand(command: string[], stdin: string): Running {
    return this.#virsh(command, stdin);
  }

  *#virsh(args: string[], stdin: string): Running {
    const [command = "", ...rest] = args.filter((arg, i) => {
      return arg !== "-q" && arg !== "-c" && args[i - 1] !== "-c";
    });
    const valued = [
      "--migrateuri",
      "--listen-address",
      "--bandwidth",
      "--postcopy-bandwidth",
      "--migrate-disks",
    ];
    const isValue = (i: number) => valued.includes(rest[i - 1] ?? "");
    const [first = ""] = rest.filter((arg, i) => !arg.startsWith("--") && !isValue(i));
    const domain = this.domains.get(first);
    const looking = /^domstate --reason (\S+);/.exec(command)?.[1];
    if (looking) return ok(this.sighting(looking));
    if (this.world.refusals.get(this.name) === command) return failed(`error: cannot ${command} here`);
    switch (command) {
      case "domstats":
        return ok(
          `Domain: 'vm1'\n  dirtyrate.calc_status=2\n  dirtyrate.megabytes_per_second=${this.world.isHot ? 3000 : 5}\n`,
        );
      case "uri":
        return ok("qemu:///system\n");
      case "version":
        return ok("Running hypervisor: QEMU 10.0.2\nRunning against daemon: 9.0.0\n");
      case "domuuid": {
        const named = [...this.domains.values()].find(({ name }) => name === first);
        return named ? ok(`${named.uuid}\n`) : failed("error: Domain not found");
      }
      case "list": {
        const shown = [...this.domains.values()].filter(
          ({ state }) => state !== "inactive" || rest.includes("--all"),
        );
        return ok(shown.map(({ uuid }) => `${uuid}\n`).join(""));
      }
      case "define":
        return this.#define(first === "/dev/stdin" ? stdin : (this.files.get(first)?.text ?? ""));
      case "restore":
        return yield* this.#restore(first);
    }
    if (!domain) return failed(`error: failed to get domain '${first}'`);
    const active = domain.state !== "inactive";
    switch (command) {
      case "dumpxml":
        return ok(rest.includes("--migratable") ? domain.xml : withImplicit(domain.xml, this.name));
      case "qemu-agent-command":
        return failed("error: Guest agent is not responding: QEMU guest agent is not connected");
      case "domifaddr": {
        const { guestAddress } = this.world;
        return ok(guestAddress ? ` vnet0      52:54:00:9f:1c:2a    ipv4         ${guestAddress}/24\n` : "");
      }
      case "undefine":
        if (!active && domain.snapshots?.length && !rest.includes("--snapshots-metadata")) {
          return failed(
            `error: Requested operation is not valid: cannot delete inactive domain with ${domain.snapshots.length} snapshots`,
          );
        }
        if (domain.isSaved && !rest.includes("--managed-save")) {
          return failed("error: Refusing to undefine while domain managed save image exists");
        }
        this.#discardSave(domain);
        domain.persistent = false;
        if (!active) this.domains.delete(domain.uuid);
        return ok();
      case "destroy":
        if (!active) return failed("error: domain is not running");
        this.#off(domain, "destroyed");
        return ok();
      case "start":
        if (active) return failed("error: Domain is already active");
        if (this.#lacksDisk(domain)) return this.#lacksDisk(domain) as Result;
        this.#start(domain);
        return ok();
      case "resume":
        if (domain.loading) this.world.finishBackground();
        if (domain.state !== "paused") return failed("error: domain is not paused");
        // QEMU waits for a memory that has not come; libvirt lets nobody in while a job works on it.
        if (!domain.memory || domain.job)
          return failed("error: Timed out during operation: cannot acquire state change lock");
        this.#run(domain, "unpaused");
        return ok();
      case "suspend":
        if (domain.state !== "running") return failed("error: domain is not running");
        Object.assign(domain, { state: "paused", reason: "user" });
        this.#emit("STOP", domain);
        return ok();
      case "shutdown":
        if (!active) return failed("error: domain is not running");
        this.world.inGuest(this.#shutDown(domain));
        return ok();
      // An external one, with a file beside the overlay: from then on the guest writes there.
      case "snapshot-create-as": {
        // libvirt lets nobody in while a job works on the guest, and QEMU has given up the disk of a copy that was left or is awaited.
        if (domain.job || (domain.state === "paused" && domain.reason !== "user"))
          return failed("error: Timed out during operation: cannot acquire state change lock");
        const [overlay, path] = ["qcow2", rest[1]].map((ending) => `${exported}${domain.name}.${ending}`);
        if (!domain.xml.includes(`"${overlay}"`)) return failed("error: there is one already");
        domain.xml = domain.xml.replace(`"${overlay}"`, `"${path}"`);
        if (active) this.#writesToSnapshot(domain);
        this.files.mounted?.set(path as string, { text: `over ${overlay}` });
        return ok();
      }
      case "managedsave": {
        const done = yield* this.#save(domain, savePath(domain));
        if (done.exitCode === 0) domain.isSaved = true;
        return done;
      }
      case "managedsave-remove":
        this.#discardSave(domain);
        return ok();
      case "save":
        this.world.countMoves();
        return yield* this.#save(domain, rest.at(-1) ?? "");
      case "migrate":
        this.world.bandwidths.push({
          uuid: domain.uuid,
          MiBps: Number(rest[rest.indexOf("--bandwidth") + 1]),
        });
        return yield* rest.includes("--postcopy-resume")
          ? this.#resumePostcopy(domain, rest.at(-1) ?? "")
          : this.#migrate(domain, rest.at(-1) ?? "", rest);
      case "migrate-postcopy":
        if (domain.job !== "Outgoing migration" || domain.state !== "running")
          return failed("error: Requested operation is not valid: no migration");
        domain.asked = "postcopy";
        return ok();
      case "domjobabort":
        if (!domain.job)
          return failed("error: Requested operation is not valid: no job is active on the domain");
        domain.asked = "abort";
        return ok();
      case "domjobinfo":
        return ok(
          "Job type:         Completed\nMemory processed: 66.5 MiB\nIteration:        2\nTotal downtime:   44   ms\n",
        );
      case "domdirtyrate-calc":
      case "migrate-setmaxdowntime":
      case "migrate-setspeed":
      case "qemu-monitor-command":
        return ok();
      default:
        throw new Error(`virsh ${command} is not simulated`);
    }
  }

  #define(xml: string): Result {
    const uuid = /<uuid>(.*)<\/uuid>/.exec(xml)?.[1];
    const name = /<name>(.*)<\/name>/.exec(xml)?.[1];
    if (!uuid || !name) return failed("error: XML error: no domain");
    const [implicit, of] = /<implicit of='(.*?)'\/>/.exec(xml) ?? [""];
    if (of !== undefined && of !== this.name)
      return failed(`error: unsupported configuration: unknown device of the libvirt on ${of}`);
    // What it would add itself it knows to be so.
    const own = { xml: xml.replace(implicit, ""), persistent: true };
    Object.assign(this.domains.get(uuid) ?? this.add({ uuid, name }), own);
    return ok();
  }

  #off(domain: Domain, reason: string): void {
    Object.assign(domain, { state: "inactive", reason });
    forget(domain);
    if (!domain.persistent) this.domains.delete(domain.uuid);
    this.#emit("SHUTDOWN", domain);
  }

  /** A guest takes its time to go off. */
  *#shutDown(domain: Domain): Running {
    for (let i = 0; i < 5; i++) yield;
    if (domain.state === "running") this.#off(domain, "shutdown");
    return ok();
  }

  *#save(domain: Domain, path: string): Running {
    if (domain.state === "inactive" || !domain.memory) return failed("error: domain is not running");
    // libvirt waits for the job before it, for 30 s; and after a save there is nothing left to save.
    if (domain.job)
      return failed(
        "error: Timed out during operation: cannot acquire state change lock (held by another job)",
      );
    const file = { text: magic.partial };
    Object.assign(domain, { job: "Save" });
    const isOff = () => domain.state === "inactive";
    try {
      yield;
      // A guest that was shutting down may be gone by then.
      if (isOff()) return failed("error: operation failed: domain is no longer running");
      this.files.set(path, file);
      Object.assign(domain, { state: "paused", reason: "saving" });
      this.#emit("STOP", domain);
      for (let step = 0; step < this.world.saveSteps && !domain.asked; step++) yield;
      if (domain.state !== "paused") {
        this.files.delete(path);
        return failed("error: operation failed: domain is no longer running");
      }
      if (domain.asked === "abort") {
        this.files.delete(path);
        delete domain.job;
        delete domain.asked;
        this.#goOn(domain);
        return failed("error: operation aborted: domain save job: canceled by client");
      }
      file.text = magic.complete + JSON.stringify({ name: domain.name, memory: domain.memory });
      yield;
      this.#off(domain, "saved");
      return ok();
    } catch (error) {
      if (!(error instanceof Undone)) throw error;
      this.files.delete(path);
      delete domain.job;
      this.#goOn(domain);
      throw error;
    }
  }

  #discardSave(domain: Domain): void {
    this.files.delete(savePath(domain));
    delete domain.isSaved;
  }

  /** libvirt's start of a guest whose memory was saved goes on from that, whatever became of its disk. */
  #start(domain: Domain): void {
    const saved = this.files.get(savePath(domain))?.text;
    this.#discardSave(domain);
    if (saved === undefined) {
      this.boot(domain);
      return;
    }
    domain.memory = JSON.parse(saved.slice(magic.complete.length)).memory;
    this.#open(domain);
    this.#run(domain, "restored");
  }

  /** What libvirt had stopped for a save or a migration runs again, since nothing came of that. */
  #goOn(domain: Domain): void {
    if (domain.state === "paused") this.#run(domain, "unpaused");
  }

  *#restore(path: string): Running {
    const text = this.files.get(path)?.text ?? "";
    const saved = new RegExp(`^${magic.complete}(\\{.*\\})$`).exec(text)?.[1];
    if (!saved) return failed("error: Failed to restore domain: incomplete state file");
    const { name, memory } = JSON.parse(saved) as { name: string; memory: Memory };
    const [uuid = ""] = /[0-9a-f-]{36}/.exec(path) ?? [];
    const known = this.domains.get(uuid);
    if (known && known.state !== "inactive") return failed("error: domain is already active");
    // A state file has a definition of its own: without another one it makes a guest that lives as long as it runs.
    const domain = known ?? Object.assign(this.add({ uuid, name }), { persistent: false });
    const obstacle = this.#lacksDisk(domain);
    if (obstacle) {
      if (!known) this.domains.delete(uuid);
      return obstacle;
    }
    Object.assign(domain, { state: "paused", reason: "starting up", loading: true });
    this.#open(domain);
    try {
      yield;
      Object.assign(domain, { reason: "migrating", memory });
      delete domain.loading;
      return ok();
    } catch (error) {
      if (error instanceof Undone) this.#off(domain, "failed");
      throw error;
    }
  }

  #peer(uri: string): Machine {
    const [, address = ""] = /@(.*)\/system$/.exec(uri) ?? [];
    return this.world.machine(address);
  }

  *#migrate(domain: Domain, uri: string, flags: readonly string[]): Running {
    const here = this;
    const peer = this.#peer(uri);
    const mayUsePostcopy = flags.includes("--postcopy");
    const mirror = flags.includes("--copy-storage-inc") && peer.files.get(this.#ownDisk(domain) ?? "");
    if (domain.disk && !flags.includes("--copy-storage-inc")) {
      return failed("error: Unsafe migration: Migration without shared storage is unsafe");
    }
    if (domain.disk && !mirror) {
      return failed(
        "error: Operation not supported: pre-creation of storage targets for incremental storage migration is not supported",
      );
    }
    // One job at a time.
    if (domain.job) return failed("error: Timed out during operation: cannot acquire state change lock");
    this.world.countMoves();
    if (domain.state !== "running" || !domain.memory || domain.isSplit)
      return failed("error: domain is not running");
    const defined = peer.domains.get(domain.uuid);
    if (defined && defined.state !== "inactive") return failed("error: domain is already active");
    let copy: Domain | undefined;
    let released = false;
    // Someone may end either copy at any time.
    function* beat(): Generator<void, void> {
      yield;
      const isEnded = (at: Machine, each: Domain) =>
        each.state === "inactive" || at.domains.get(each.uuid) !== each;
      if (!released && (isEnded(here, domain) || (copy && isEnded(peer, copy)))) throw new Gone();
    }
    try {
      domain.job = "Outgoing migration";
      this.#emit("MIGRATION", domain, { status: "setup" });
      yield* beat();
      // A definition that is there is taken.
      copy = Object.assign(defined ?? peer.add(domain), {
        persistent: defined !== undefined,
        xml: domain.xml,
      });
      Object.assign(copy, {
        state: "paused",
        reason: "migrating",
        job: "Incoming migration",
      });
      delete copy.disk;
      yield* beat();
      if (mirror && domain.disk) {
        copy.disk = mirror;
        mirror.text = domain.disk.text.slice(3);
        this.#emit("JOB_STATUS_CHANGE", domain, { status: "created", id: "drive-virtio-disk0" });
        yield* beat();
        this.#emit("BLOCK_JOB_READY", domain, { type: "mirror", len: 131072, offset: 131072 });
      }
      this.#trace(domain, "migration_bitmap_sync_end dirty_pages 0");
      this.#emit("MIGRATION_PASS", domain, { pass: 1 });
      this.#emit("MIGRATION", domain, { status: "active" });
      this.#trace(
        domain,
        "migrate_pending_estimate estimate pending size 554508288 (pre = 554508288 post=0)",
      );
      yield* beat();
      this.#trace(domain, "migrate_transferred transferred 66011489 time_spent 108 bandwidth 611217");
      this.#trace(domain, "migration_bitmap_sync_end dirty_pages 77");
      this.#emit("MIGRATION_PASS", domain, { pass: 2 });
      this.#trace(domain, "migrate_pending_exact exact pending size 315392 (pre = 315392 post=0)");
      // A guest that is to go by post-copy does not converge before its time, unless nobody asks for that.
      const patience = this.world.isHot ? Number.POSITIVE_INFINITY : mayUsePostcopy ? 50 : 0;
      for (let step = 0; step < patience && !domain.asked && domain.state === "running"; step++)
        yield* beat();
      yield* beat();
      if (domain.asked === "abort") throw new Undone();
      if (domain.state === "running") this.#emit("STOP", domain);
      Object.assign(domain, { state: "paused", reason: "migrating" });
      yield* beat();
      if (mirror && domain.disk) {
        mirror.text = domain.disk.text;
        this.#emit("BLOCK_JOB_COMPLETED", domain, { type: "mirror", len: 196608, offset: 196608 });
        yield* beat();
      }
      if (domain.asked === "postcopy") {
        Object.assign(domain, { reason: "post-copy", isSplit: true });
        Object.assign(copy, { memory: domain.memory, isSplit: true });
        if (flags.includes("--persistent")) copy.persistent = true;
        this.#emit("MIGRATION", domain, { status: "postcopy-active" });
        yield* beat();
        peer.#run(copy, "post-copy");
        released = true;
        return yield* this.#pull(domain, peer, copy);
      }
      this.#trace(domain, "savevm_section_end ram, section_id 3 -> 0");
      this.#trace(domain, "savevm_section_end cpu, section_id 5 -> 0");
      copy.memory = domain.memory;
      this.#emit("MIGRATION", domain, { status: "completed" });
      yield* beat();
      if (flags.includes("--persistent")) copy.persistent = true;
      yield* beat();
      delete copy.job;
      peer.#run(copy, "migrated");
      released = true;
      this.#tellJob(domain);
      yield* beat();
      this.#off(domain, "migrated");
      yield* beat();
      if (flags.includes("--undefinesource")) this.domains.delete(domain.uuid);
      return ok();
    } catch (error) {
      if (!(error instanceof Undone)) throw error;
      const lost =
        error instanceof Gone ? failed("error: operation failed: domain is no longer running") : undefined;
      if (domain.isSplit && copy) {
        this.#loseLink(domain, copy);
        if (lost) return lost;
        throw error;
      }
      const { asked } = domain;
      delete domain.job;
      delete domain.asked;
      if (released) {
        this.#off(domain, "migrated");
        if (flags.includes("--undefinesource")) this.domains.delete(domain.uuid);
      } else {
        if (copy && peer.domains.get(domain.uuid) === copy) peer.#off(copy, "failed");
        this.#goOn(domain);
      }
      if (lost) return lost;
      if (asked === "abort") return failed("error: operation aborted: migration out job: canceled by client");
      throw error;
    }
  }

  /** The rest of the memory follows. */
  *#pull(domain: Domain, peer: Machine, copy: Domain): Running {
    for (let step = 0; step < this.world.pullSteps; step++) {
      yield;
      if (domain.state === "inactive" || copy.state === "inactive") throw new Gone();
    }
    this.#emit("MIGRATION", domain, { status: "completed" });
    Object.assign(copy, { reason: "migrated" });
    const { disk } = copy;
    forget(copy);
    if (disk) copy.disk = disk;
    copy.memory = { ...(domain.memory as Memory), epoch: peer.world.diskEpoch(domain.uuid) };
    this.#tellJob(domain);
    yield;
    this.#off(domain, "migrated");
    yield;
    this.domains.delete(domain.uuid);
    return ok();
  }

  *#resumePostcopy(domain: Domain, uri: string): Running {
    const peer = this.#peer(uri);
    const copy = peer.domains.get(domain.uuid);
    if (!domain.isSplit || !copy?.isSplit) return failed("error: post-copy migration is not paused");
    try {
      yield;
      for (const end of [domain, copy]) end.reason = "post-copy";
      yield;
      return yield* this.#pull(domain, peer, copy);
    } catch (error) {
      if (error instanceof Undone) this.#loseLink(domain, copy);
      if (error instanceof Gone) return failed("error: operation failed: domain is no longer running");
      throw error;
    }
  }

  /** Once post-copy has begun libvirt undoes nothing: it waits; and once all is pulled the source has nothing to give. */
  #loseLink(domain: Domain, copy: Domain): void {
    if (copy.isSplit) for (const end of [domain, copy]) end.reason = "post-copy failed";
    else if (domain.isSplit) this.#off(domain, "migrated");
  }

  /** What libvirt says when a job has ended. */
  #tellJob({ name }: Domain): void {
    const figures = ["operation: 5", "time_elapsed: 61", "memory_processed: 69730304", "memory_iteration: 2"];
    const lines = [`event 'job-completed' for domain '${name}':`, ...figures.map((figure) => `\t${figure}`)];
    for (const listener of this.jobListeners) for (const line of lines) listener(line);
  }
}

/** The operands of ssh and scp: what comes after their own options. */
function operands(args: string[]): string[] {
  const first = args.findIndex((arg, i) => !arg.startsWith("-") && args[i - 1] !== "-o");
  return args.slice(first);
}

/** What a login shell runs that may be any: plain words mean the same to all, and so do scripts as remoteCommand() writes them. */
function scriptIn(line: string): string | undefined {
  if (/^[\w ./:-]+$/.test(line)) return line;
  const [, text] = /^exec env -u BASH_ENV -u ENV LC_ALL=C bash --norc -c '[^']+' '([^']*)'$/.exec(line) ?? [];
  return text?.replace(/\\0([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** A connection of one run of our program to a machine: what ssh/session.ts is to a real one. */
export class SimulatedSession {
  readonly target: SshTarget;
  readonly #machine: Machine;
  readonly #generation: number;

  constructor(world: SimulatedFleet, target: SshTarget) {
    if (world.unreachable.has(target.name)) throw new HostUnreachable(target, "No route to host");
    this.target = target;
    this.#machine = world.machine(target.name);
    this.#generation = world.generation;
  }

  get alive(): boolean {
    const { generation, unreachable } = this.#machine.world;
    return generation === this.#generation && !unreachable.has(this.target.name);
  }

  async run(doing: string, script: string, options: RunOptions = {}): Promise<CommandOutput> {
    const { world } = this.#machine;
    this.#assertAlive();
    world.log.push(`${this.target.name}: ${doing}`);
    const running = this.#machine.shell(script, options.input ?? "");
    const result = await world.drive(running, this.#machine, this.target, options.signal);
    if (result.exitCode !== 0 && !options.allowFailure) {
      throw new CommandFailed({ doing, host: this.target.name, ...result });
    }
    // As a real one: without the last line's end.
    return { ...result, stdout: result.stdout.replace(/\n$/, "") };
  }

  follow(command: string, onLine: (line: string) => void): Follower {
    const { probers, samplers, listens } = this.#machine.world;
    if (this.alive && listens && /qemu-monitor-event|job-completed/.test(command)) {
      const { listeners, jobListeners } = this.#machine;
      (command.includes("job-completed") ? jobListeners : listeners).add(onLine);
      onLine(isListening);
    }
    if (this.alive && command.includes("sampler.py")) {
      samplers.set(onLine, this.#machine);
    } else if (this.alive && command.includes("python3")) {
      probers.add(onLine);
      onLine(JSON.stringify({ monotonicUs: 0, epochUs: 0 }));
    }
    const lock = /^have '(.*?)'/m.exec(command)?.[1];
    const have = () => {
      this.#machine.lockEnds.add(end);
      onLine("held");
    };
    const release = this.alive && lock ? this.#machine.waitForLock(lock, have) : undefined;
    const [, uuid = "", waiting = "", moving = ""] =
      /^join '.*?' '(.*?)' '(.*?)' '(.*?)'$/m.exec(command.replace(queueProgram, "")) ?? [];
    const leave = this.alive && uuid ? this.#machine.joinQueue(uuid, waiting, moving, onLine) : undefined;
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const end = () => {
      this.#machine.lockEnds.delete(end);
      release?.();
      resolve();
    };
    return {
      ended: release ? ended : this.alive ? new Promise(() => {}) : Promise.resolve(),
      write: onLine,
      stop: async () => {
        this.#machine.lockEnds.delete(end);
        this.#machine.listeners.delete(onLine);
        this.#machine.jobListeners.delete(onLine);
        probers.delete(onLine);
        samplers.delete(onLine);
        release?.();
        leave?.();
      },
    };
  }

  async readClock(): Promise<ClockReading> {
    this.#assertAlive();
    const offsetMs = this.#machine.clockOffsetMs;
    this.#machine.clockOffsetMs += this.#machine.clockDriftMs;
    return { offsetMs, uncertaintyMs: 0.04 };
  }

  async close(): Promise<void> {}

  #assertAlive(): void {
    if (this.#machine.world.generation !== this.#generation) throw new Crash("this run is dead");
    if (!this.alive) throw new ConnectionLost(this.target, "No route to host");
  }
}
