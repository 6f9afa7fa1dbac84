import { isDeepStrictEqual } from "node:util";
import { cpuXmlOf } from "../../libvirt/named-cpu.ts";
import { parseSurvey, type Question, type Survey, surveyScript } from "../../libvirt/survey.ts";
import { libvirtPorts } from "../../moves/options.ts";
import type { Endpoint } from "../context/moving.ts";
import { type Check, hasFailed, PreflightFailed } from "./checks/check.ts";
import { checks } from "./checks/checks.ts";
import { demandsOf } from "./checks/demands.ts";
import {
  type Asking,
  type Definitions,
  type Evidence,
  known,
  type MoveToCheck,
  type PreflightCheck,
  type Questions,
} from "./checks/evidence.ts";
import { tryHostToHost } from "./host-to-host.ts";
import { diskFolders, imageCheck } from "./image.ts";
import { portCheck } from "./port.ts";
import { type Proving, prove } from "./proofs.ts";

/** What a check came to. */
export interface Judged extends Pick<PreflightCheck, "lasts"> {
  check: Check;
}

/** Asks both hosts whether the guest can be moved, and touches nothing: for a preview. */
export async function examine(move: MoveToCheck): Promise<Judged[]> {
  const asking = askingOf(move);
  const { source, destination, hostToHost } = ask(asking);
  const answers = await allOf([move.versions, source, destination, hostToHost] as const);
  return judge(evidenceOf(asking, ...answers));
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
  const { guest, uuid, localOverlay } = request;
  const { port } = request.options;
  const asking = askingOf(move);
  const { dataPort } = asking.demands;
  const ports = port === undefined ? libvirtPorts : { first: port, last: port };
  const answers = ask(asking, dataPort ? [{ ask: "listen", ...ports }] : []);
  const proving = allOf([answers.source, answers.destination] as const).then(([atSource, atDestination]) => {
    const folders = atSource.domain ? diskFolders(atSource.domain, localOverlay?.path) : [];
    return prove({ guest, uuid, source, destination, storage, cancelled, tell }, folders, atDestination.port);
  });
  const [versions, atSource, atDestination, hostToHostError, { tokens, call }] = await allOf([
    move.versions,
    answers.source,
    answers.destination,
    answers.hostToHost,
    proving,
  ] as const);
  const judged = judge(evidenceOf(asking, versions, atSource, atDestination, hostToHostError));
  const all = [
    ...judged.map(({ check }) => check),
    imageCheck(source.name, destination.name, tokens),
    ...(dataPort ? [portCheck(source.name, destination.name, call, port)] : []),
  ];
  if (all.some(hasFailed)) throw new PreflightFailed(guest, destination.name, all);
  return all;
}

const askingOf = (move: MoveToCheck): Asking => ({ ...move, demands: demandsOf(move.request.options) });

/** One call to each host, and one from host to host, all at the same time. */
function ask(move: Asking, more: readonly Question[] = []) {
  const { source, destination, request } = move;
  const first = questionsOf(checks.map((check) => check.asks?.(move)));
  // The definition is the last question, since what follows is the answer.
  const asked = survey(source, [...first.source, { ask: "definition", uuid: request.uuid }]);
  const then = asked.then((found) => {
    const definitions = definitionsOf(found);
    if (!definitions) return [{}, {}] as [Partial<Survey>, Partial<Survey>];
    const questions = questionsOf(checks.map((check) => check.asksThen?.(move, definitions)));
    return allOf([survey(source, questions.source), survey(destination, questions.destination)] as const);
  });
  const both = async (answers: Promise<Survey>, end: 0 | 1): Promise<Survey> => {
    const [found, more] = await allOf([answers, then] as const);
    const { files, takenPorts, networks, links } = more[end] as Partial<Survey>;
    return {
      ...found,
      ...(files && { files }),
      ...(takenPorts && { takenPorts }),
      ...(networks && { networks }),
      ...(links && { links }),
    };
  };
  const { platform } = request;
  const atDestination = survey(destination, [...first.destination, ...more], platform && cpuXmlOf(platform));
  return {
    source: both(asked, 0),
    destination: both(atDestination, 1),
    hostToHost: tryHostToHost(source, destination),
  };
}

/** Each question once, for all who ask it. */
function questionsOf(all: readonly (Questions | undefined)[]): Required<Questions> {
  const of = (end: keyof Questions) =>
    all
      .flatMap((questions) => questions?.[end] ?? [])
      .filter((one, i, each) => each.findIndex((other) => isDeepStrictEqual(one, other)) === i);
  return { source: of("source"), destination: of("destination") };
}

const definitionsOf = ({ domain, belongings }: Survey): Definitions | undefined =>
  domain && [domain, ...(belongings?.defined ? [belongings.defined] : [])];

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

function evidenceOf(
  move: Asking,
  versions: Evidence["versions"],
  atSource: Survey,
  atDestination: Survey,
  hostToHostError?: string,
): Evidence {
  const { source, request } = move;
  const definitions = known(source, `the definition of guest ${request.guest}`, definitionsOf(atSource));
  const belongings = known(source, `what hangs on guest ${request.guest}`, atSource.belongings);
  const [domain] = definitions;
  return { ...move, versions, domain, definitions, belongings, atSource, atDestination, hostToHostError };
}

/** What the answers speak for and against. */
const judge = (evidence: Evidence): Judged[] =>
  checks.flatMap(({ lasts, judge }) =>
    [judge(evidence) ?? []].flat().map((check: Check) => ({ check, ...(lasts && { lasts }) })),
  );

/** Waits for all, so that nothing is left at work when one fails; then throws the first failure. */
async function allOf<T extends readonly unknown[]>(
  all: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const outcomes = await Promise.allSettled(all);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as never;
}
