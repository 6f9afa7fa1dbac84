import * as pulumi from "@pulumi/pulumi";
import { intentDirectoryOf } from "../../fleet/fleet.ts";
import { notedOff } from "../../fleet/host-off.ts";
import { checkImage, surroundings } from "../../images/resolve.ts";
import { proposalText } from "../../placement/proposal-text.ts";
import { checkCapacity } from "../capacity.ts";
import type { StackConfig } from "../config.ts";
import { besideOthers } from "../deciding/at-once.ts";
import { emptiedBy } from "../deciding/emptied.ts";
import { placesOf, problemsOf } from "../deciding/places.ts";
import { checkImmutable } from "../immutable.ts";
import { keyGenerationOf } from "../key-generation.ts";
import { checkLeftHosts, checkMovedHosts, leftHosts, movedHosts } from "../left-hosts.ts";
import { type Mistake, pathText, StackConfigError } from "../mistake.ts";
import { checkLostHosts, checkOffHosts, hostsOff, mayHaveSwitched, switchedHosts } from "../off-hosts.ts";
import type { PastStack } from "../past.ts";
import { type Plan, planStack } from "../plan.ts";
import { list } from "../words.ts";
import { askForGuests } from "./ask-for-guests.ts";
import { askForStrangers, whoAnswers } from "./ask-for-strangers.ts";
import { askMachines } from "./ask-machines.ts";
import { type Decided, decidePlaces } from "./decide-places.ts";
import { readStackConfig } from "./read.ts";
import { readPast } from "./read-past.ts";
import { readSshSettings } from "./ssh-settings.ts";

/**
 * What the stack that this Pulumi program runs for is to be, once its config, its image and its machines were found in order. Nothing
 * is touched: it only reads.
 *
 * @throws pulumi.RunError with all mistakes as its message, which the CLI shows without a stack trace
 */
export async function checkedPlan(stack: string): Promise<Plan> {
  const config = readStackConfig();
  try {
    return await planOf(config, stack, stack);
  } catch (error) {
    throw error instanceof StackConfigError ? new pulumi.RunError(error.message) : error;
  }
}

/**
 * The same for a config that was read already.
 *
 * @param testbed the name of the testbed's resource
 * @throws StackConfigError
 */
export async function planOf(config: StackConfig, stack: string, testbed: string): Promise<Plan> {
  const { settings: ssh, mistakes: unreachable } = await readSshSettings(config);
  if (unreachable.length > 0) throw new StackConfigError(unreachable);
  const past = await readPast(testbed);
  const programs = Object.fromEntries(past.guests.map((guest) => [guest.name, guest.programs]));
  const draft = planStack(config, stack, { ssh, programs });
  const [image, machines, hosts] = await Promise.all([
    imageMistakes(draft),
    askMachines(draft),
    hostMistakes(past, draft),
  ]);
  const { memoryMiB, boots } = machines;
  const { transport } = past;
  const power = await askPower(past, draft, machines.silent);
  const isPreview = pulumi.runtime.isDryRun();
  // Hosts that are off or lost can be asked nothing. Without all others there is nothing to decide on.
  const leftAlone = [...power.areOff, ...draft.lost];
  const unfit = machines.mistakesOf(leftAlone);
  const decided =
    unfit.length === 0
      ? await decidePlaces(config, draft, past, { ...machines, leftAlone }, isPreview)
      : undefined;
  const outcome = decided?.decision.outcome;
  const wanted = decided ? emptiedBy(decided.decision, config, power.areOff) : [];
  const leaving = [...draft.off, ...wanted]
    .map(({ host }) => host)
    .filter((host) => !machines.silent.includes(host));
  const strangers = await askForStrangers(
    draft.hosts.filter(({ name }) => leaving.includes(name)).map(({ ssh }) => ssh),
    [...draft.guests, ...past.guests].map(({ name }) => name),
  );
  // Where guests of drained hosts go depends on how much memory the others have.
  const plan = planStack(config, stack, {
    ...{ ssh, programs, memoryMiB, boots, areOff: power.areOff, switched: power.switched },
    mountsFrom: past.mountsFrom,
    ...(transport && { transport }),
    ...(outcome?.isFeasible && { places: placesOf(outcome) }),
    // A policy's wish is none where somebody else's guests are.
    emptied: wanted.filter(({ host }) => (strangers[host] ?? []).length === 0),
  });
  const replaced = movedHosts(past, plan).map(({ name }) => `${name} at ${past.hosts[name]?.address}`);
  const hostNames = plan.hosts.map(({ name }) => name);
  const keys = keyGenerationOf(past.keyHolders, hostNames, replaced);
  const isNewKey = keys.generation > past.keyHolders.decided.generation;
  const needsAll = isNewKey
    ? "all hosts get a new key, as one was left out or has another address"
    : undefined;
  const mistakes = [
    ...image,
    ...unfit,
    ...(outcome ? problemsOf(outcome) : []),
    ...hosts,
    ...checkLostHosts(past, plan, power.answering),
    ...checkOffHosts(plan, power.areOff, strangers, needsAll),
    ...checkImmutable(past, plan),
    ...checkCapacity(plan, memoryMiB, machines.machine),
  ];
  if (mistakes.length > 0) throw new StackConfigError(mistakes);
  if (decided) tell(decided, plan, isPreview);
  return {
    ...plan,
    guests: besideOthers(plan, past.guests),
    keys,
    ...(past.declaresNetworks && { networkGoes: true }),
    ...(decided && { decision: decided.decision }),
  };
}

/** A preview says what its policy would do. The update says it where it is something else, or nothing was said before. */
function tell({ decision, anew, unseen }: Decided, { concurrentPerHost }: Plan, isPreview: boolean): void {
  const { inputs, outcome } = decision;
  if (unseen) pulumi.log.warn(`Guests are taken to be where they were last seen: ${unseen}`);
  if (anew) pulumi.log.info(`policy ${inputs.kind} decided anew: ${anew}`);
  if (!isPreview && !anew) return;
  const assumed =
    inputs.assumed.length > 0
      ? `\n  no load known yet, so taken to be as busy as the others: ${list(inputs.assumed)}`
      : "";
  pulumi.log.info(proposalText(inputs.kind, inputs.cluster, outcome, concurrentPerHost) + assumed);
}

/** Which hosts are off, and what else is to be known of those that are to be; nothing is asked where none ever was. */
async function askPower(past: PastStack, draft: Plan, silent: readonly string[]) {
  const isAsked = mayHaveSwitched(past, draft);
  const storage = { ssh: draft.storage.ssh, intentDirectory: intentDirectoryOf(draft.storage.export) };
  // One that does not answer is reported with the other machines; in the lab it may not be there yet.
  const noted = isAsked ? await notedOff(storage).catch(() => []) : [];
  const areOff = hostsOff(past, draft, noted, silent);
  return {
    areOff,
    switched: switchedHosts(past, noted),
    answering: await whoAnswers(draft.hosts.filter(({ fence }) => fence).map(({ ssh }) => ssh)),
  };
}

async function imageMistakes({ image, guests }: Plan): Promise<Mistake[]> {
  const sets = new Map(guests.map(({ programs }) => [programs.join(), programs]));
  const problems = await Promise.all(
    [...sets.values()].map((programs) => checkImage(image.source, image.sha256, surroundings(), programs)),
  );
  return [...new Set(problems.flat())].map((problem) => ({
    path: pathText(["image"]),
    problem: problem.replace(/\.$/, ""),
    fix: "fix image.source or image.sha256 here, or what they say of the image",
  }));
}

/** Hosts that were taken out, or have another address, while guests are on them. */
async function hostMistakes(past: PastStack, plan: Plan): Promise<Mistake[]> {
  const [left, moved] = [leftHosts(past, plan), movedHosts(past, plan)];
  const found = await askForGuests([...left, ...moved], past.guests);
  return [...checkLeftHosts(past, left, found), ...checkMovedHosts(past, plan, moved, found)];
}
