import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { isRunning } from "../../lab/generation.ts";
import { releaseOf } from "../../lab/release.ts";
import type { SshTarget } from "../../ssh/target.ts";
import {
  checkAnswers,
  didAnswer,
  type MachineAnswer,
  type NoAnswer,
  parseAnswer,
  question,
} from "../answers.ts";
import { checkReleases } from "../lab-releases.ts";
import type { LabMachine } from "../lab-shares.ts";
import type { Mistake } from "../mistake.ts";
import type { Plan } from "../plan.ts";
import { askOverSsh } from "./ask-over-ssh.ts";

const mib = 1024 * 1024;

/** What the machines of a plan said, by their names. */
export interface AskedMachines {
  /** Those that did not answer as they should, but for hosts that are off, and what others lack. */
  mistakesOf(areOff: readonly string[]): Mistake[];
  /** Hosts that do not answer; in the lab, whose containers do not run. */
  silent: string[];
  /** The others' memory. */
  memoryMiB: Record<string, number>;
  /** How many CPUs they have. */
  cpus: Record<string, number>;
  /** Which of its starts each is in. Empty in the lab. */
  boots: Record<string, string>;
  /** In the lab: what all of its hosts run on. */
  machine?: LabMachine;
}

/**
 * Asks the machines of a plan, before anything is touched, whether they answer and how much memory they have. Reads only;
 * with `knownHosts: accept-new` the key of a machine seen for the first time is written to this project's known_hosts.
 */
export async function askMachines(plan: Plan): Promise<AskedMachines> {
  // A lab's hosts need not be there yet; they have their share of this machine, or as much of it as they take.
  if (plan.lab) {
    const machine = { memoryMiB: Math.floor(totalmem() / mib), cpus: availableParallelism() };
    const memoryMiB = plan.hosts.map(({ name, share }) => [name, share?.memoryMiB ?? machine.memoryMiB]);
    const silent = plan.hosts.filter(({ name }) => !isRunning(plan.stack, name)).map(({ name }) => name);
    return {
      mistakesOf: () => checkReleases(plan, (host) => releaseOf(plan.stack, host)),
      silent,
      memoryMiB: Object.fromEntries(memoryMiB),
      cpus: {},
      boots: {},
      machine,
    };
  }
  const answers = await Promise.all([plan.storage, ...plan.hosts].map(({ ssh }) => ask(ssh)));
  const found = answers.filter(didAnswer);
  const silent = answers.filter((answer) => !didAnswer(answer)).map(({ name }) => name);
  return {
    mistakesOf: (areOff) => checkAnswers(plan, answers, areOff),
    silent: silent.filter((name) => name !== plan.storage.name),
    memoryMiB: Object.fromEntries(found.map(({ name, memoryMiB }) => [name, memoryMiB])),
    cpus: Object.fromEntries(found.map(({ name, cpus }) => [name, cpus])),
    boots: Object.fromEntries(found.map(({ name, boot }) => [name, boot])),
  };
}

async function ask(target: SshTarget): Promise<MachineAnswer | NoAnswer> {
  const { name, address, port, user, privateKeyFile, knownHostsFile } = target;
  const reached = await execa("bash", [join(import.meta.dirname, "..", "..", "hosts", "reach.sh")], {
    env: {
      HOST_NAME: name,
      HOST_ADDRESS: address,
      HOST_PORT: String(port),
      HOST_USER: user,
      HOST_KEY_FILE: privateKeyFile ?? "",
      KNOWN_HOSTS_FILE: knownHostsFile ?? "",
      KNOWN_HOSTS: knownHostsFile ? "accept-new" : "strict",
      HOST_KEY: "",
      HOST_AGENT: target.identityAgent ?? "",
      SCRIPT_FOLDER: "none",
    },
    reject: false,
  });
  // Its first words name the machine, as the mistake will.
  if (reached.exitCode !== 0) return { name, reason: reached.stderr.replace(/^host .*? port \d+\): /, "") };
  const { printed, reason } = await askOverSsh(target, question);
  return parseAnswer(name, printed) ?? { name, reason };
}
