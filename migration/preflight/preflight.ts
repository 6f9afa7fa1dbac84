import { localRedoDirectory } from "../../fleet/overlay.ts";
import { stateDirectory } from "../../fleet/state-file.ts";
import { virtType } from "../../libvirt/domain-xml.ts";
import type { Sighting } from "../../libvirt/sighting.ts";
import { parseSurvey, type Question, type Survey, surveyScript } from "../../libvirt/survey.ts";
import { misfits, overlayMisfits } from "../../moves/misfits.ts";
import type { MigrationRecord } from "../../moves/record.ts";
import type { MigrationRequest } from "../context/migration-request.ts";
import type { Endpoint } from "../context/moving.ts";
import type { Clocks } from "../measuring/measure.ts";
import {
  autostartCheck,
  deviceCheck,
  diskCheck,
  displayCheck,
  filesOf,
  firmwareCheck,
  savedMemoryCheck,
  snapshotCheck,
} from "./belongings.ts";
import { type Check, failed, hasFailed, PreflightFailed } from "./check.ts";
import { clockCheck } from "./clocks.ts";
import { demandsOf } from "./demands.ts";
import { jobCheck, nameCheck, onceCheck } from "./guest.ts";
import { tryHostToHost } from "./host-to-host.ts";
import { cacheCheck, diskFolders, imageCheck } from "./image.ts";
import { memoryCheck, redoSpaceCheck, spaceCheck } from "./memory.ts";
import { bridgeCheck, hostToHostCheck, libvirtPorts, portCheck } from "./network.ts";
import { cpuCheck, emulationCheck, machineCheck, userfaultfdCheck, versionCheck } from "./platform.ts";
import { type Proving, prove } from "./proofs.ts";

type Versions = MigrationRecord["versions"];

/** A move that is thought of, and what is known of it already. */
export interface MoveToCheck {
  request: MigrationRequest;
  source: Endpoint;
  destination: Endpoint;
  /** What all hosts said about the guest. */
  sightings: readonly Sighting[];
  versions: Promise<Versions>;
  clocks: Clocks;
  /** Other guests that are on their way to the same host, and take memory there. */
  onTheirWay: readonly { guest: string; memoryMiB: number }[];
}

/** Asks both hosts whether the guest can be moved, and touches nothing: for a preview. */
export async function examine(move: MoveToCheck): Promise<Check[]> {
  const { source, destination, way } = ask(move);
  const [versions, ...answers] = await allOf([move.versions, source, destination, way] as const);
  return judge(move, versions, ...answers);
}

/**
 * Asks the same right before a move, and proves what only trying can tell: that both hosts mean the same disk, that a call gets through to
 * the port of the guest's memory. Leaves no trace of it. Throws PreflightFailed.
 */
export async function preflight(
  move: MoveToCheck,
  { storage, cancelled, tell }: Pick<Proving, "storage" | "cancelled" | "tell">,
): Promise<Check[]> {
  const { request, source, destination } = move;
  const { port } = request.options;
  const { dataPort } = demandsOf(request.options);
  const ports = port === undefined ? libvirtPorts : { first: port, last: port };
  const answers = ask(move, dataPort ? [{ ask: "listen", ...ports }] : []);
  const proving = allOf([answers.source, answers.destination] as const).then(([atSource, atDestination]) => {
    const folders = atSource.domain ? diskFolders(atSource.domain, request.redo?.path) : [];
    const { guest, uuid } = request;
    return prove({ guest, uuid, source, destination, storage, cancelled, tell }, folders, atDestination.port);
  });
  const [versions, atSource, atDestination, wayError, { tokens, call }] = await allOf([
    move.versions,
    answers.source,
    answers.destination,
    answers.way,
    proving,
  ] as const);
  const checks = [
    ...judge(move, versions, atSource, atDestination, wayError),
    imageCheck(source.name, destination.name, tokens),
    ...(dataPort ? [portCheck(source.name, destination.name, call, port)] : []),
  ];
  if (checks.some(hasFailed)) throw new PreflightFailed(request.guest, destination.name, checks);
  return checks;
}

/** One call to each host, and one from host to host, all at the same time. */
function ask({ request, source, destination, onTheirWay }: MoveToCheck, more: readonly Question[] = []) {
  const { guest, uuid, options, platform, redo } = request;
  const { stateFile, userfaultfd } = demandsOf(options);
  const always: Question[] = [
    { ask: "bridges" },
    ...(stateFile ? [{ ask: "space", directory: stateDirectory } as const] : []),
  ];
  const ofSource: Question[] = [
    ...(redo ? [{ ask: "size", file: redo.path } as const] : []),
    { ask: "definition", uuid },
  ];
  const ofDestination: Question[] = [
    ...(redo ? [{ ask: "space", directory: localRedoDirectory } as const] : []),
    { ask: "memory" },
    { ask: "resident", guests: onTheirWay.map((other) => other.guest) },
    { ask: "namesake", guest },
    { ask: "machines" },
    ...(userfaultfd ? [{ ask: "userfaultfd" } as const] : []),
    ...(platform?.cpuXml === undefined
      ? []
      : [{ ask: "cpu", virtType: virtType(platform), machine: platform.machine } as const]),
    ...more,
  ];
  const asked = survey(source, [...always, ...ofSource]);
  // What the guest's definition names is known only then.
  const named = asked.then(({ domain, belongings }) => {
    if (!domain) return [{}, {}] as [Partial<Survey>, Partial<Survey>];
    const domains = [domain, ...(belongings?.defined ? [belongings.defined] : [])];
    const paths = [...new Set(domains.flatMap((each) => filesOf(each, redo?.path)))];
    const files: Question = { ask: "files", paths };
    const taken: Question = { ask: "taken", ports: domain.displayPorts ?? [] };
    return allOf([survey(source, [files]), survey(destination, [files, taken])] as const);
  });
  const withFiles = async (first: Promise<Survey>, end: 0 | 1): Promise<Survey> => {
    const [survey, more] = await allOf([first, named] as const);
    const { files, takenPorts } = more[end] as Partial<Survey>;
    return { ...survey, ...(files && { files }), ...(takenPorts && { takenPorts }) };
  };
  return {
    source: withFiles(asked, 0),
    destination: withFiles(survey(destination, [...always, ...ofDestination], platform?.cpuXml), 1),
    way: tryHostToHost(source, destination),
  };
}

async function survey(
  { name, session }: Endpoint,
  questions: readonly Question[],
  input?: string,
): Promise<Survey> {
  const { stdout } = await session.run(`asking ${name} what it has`, surveyScript(questions), {
    ...(input !== undefined && { input }),
  });
  return parseSurvey(stdout);
}

/** What the answers speak for and against. */
function judge(
  move: MoveToCheck,
  versions: Versions,
  atSource: Survey,
  atDestination: Survey,
  wayError?: string,
): Check[] {
  const { request, sightings, clocks, onTheirWay } = move;
  const { guest, uuid, options, conditions, platform, redo } = request;
  const [source, destination] = [move.source.name, move.destination.name];
  const { movesMemory, copiesRunningMemory, userfaultfd, stateFile } = demandsOf(options);
  const domain = known(source, `the definition of guest ${guest}`, atSource.domain);
  const belongings = known(source, `what hangs on guest ${guest}`, atSource.belongings);
  const domains = [domain, ...(belongings.defined ? [belongings.defined] : [])];
  const [here, there] = [atSource.files ?? {}, atDestination.files ?? {}];
  const free = ({ spaceMiB }: Survey, host: string, directory: string) =>
    known(host, "free disk space", spaceMiB[directory]);
  const room = (survey: Survey, host: string) =>
    spaceCheck(host, stateDirectory, free(survey, host, stateDirectory), conditions.memoryMiB);
  const redoRoom = () =>
    redoSpaceCheck(
      destination,
      localRedoDirectory,
      free(atDestination, destination, localRedoDirectory),
      known(source, `the size of guest ${guest}'s overlay`, atSource.fileMiB),
      stateFile ? conditions.memoryMiB : undefined,
    );
  return [
    onceCheck(guest, source, sightings),
    jobCheck(guest, source, sightings, domain, belongings.blockJobs),
    nameCheck(guest, destination, uuid, atDestination.namesake, domain.name),
    snapshotCheck(guest, source, belongings),
    savedMemoryCheck(guest, [source, belongings.isSaved], [destination, atDestination.isNameSaved === true]),
    deviceCheck(source, domain, movesMemory),
    diskCheck(guest, [source, here], [destination, there], domains, redo?.path),
    ...firmwareCheck(destination, there, domain, movesMemory),
    ...displayCheck(destination, domain, atDestination),
    ...autostartCheck(guest, destination, belongings.startsWithHost),
    memoryCheck(
      destination,
      known(destination, "free memory", atDestination.availableMiB),
      conditions.memoryMiB,
      onTheirWay.map((other) => ({ ...other, residentMiB: atDestination.residentMiB[other.guest] ?? 0 })),
    ),
    hostToHostCheck(source, destination, wayError),
    bridgeCheck([source, atSource.bridges], [destination, atDestination.bridges], domain),
    ...(domain.machine === undefined
      ? []
      : [machineCheck(destination, domain.machine, atDestination.machines)]),
    ...(platform?.cpuXml === undefined
      ? []
      : [cpuCheck(destination, platform, known(destination, "a comparison of CPUs", atDestination.cpu))]),
    ...(movesMemory ? [versionCheck([source, versions.from], [destination, versions.to])] : []),
    clockCheck(source, destination, clocks),
    ...[...misfits(options, versions), ...(redo ? overlayMisfits(options) : [])].map(
      ({ option, problem, fix }) => failed("options", `${option} ${problem}: ${fix}`),
    ),
    ...(copiesRunningMemory
      ? [cacheCheck(domain, redo?.path), emulationCheck(conditions.accelerator, source, versions.from.qemu)]
      : []),
    ...(userfaultfd
      ? [userfaultfdCheck(destination, known(destination, "userfaultfd", atDestination.userfaultfd))]
      : []),
    ...(stateFile ? [room(atSource, source), room(atDestination, destination)] : []),
    ...(redo ? [redoRoom()] : []),
  ];
}

/** What a host that answers should have said. */
function known<T>(host: string, what: string, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new Error(
    `Host ${host} was asked for ${what} and did not say it. Nothing was changed. See whether its libvirtd works (virsh list), and run again.`,
  );
}

/** Waits for all, so that nothing is left at work when one fails; then throws the first failure. */
async function allOf<T extends readonly unknown[]>(
  all: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes = await Promise.allSettled(all);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as never;
}
