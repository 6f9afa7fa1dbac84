import { totalmem } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { sshOptions } from "../libvirt/ssh-session.ts";
import type { SshTarget } from "../libvirt/ssh-target.ts";
import { checkAnswers } from "./capacity.ts";
import type { Mistake } from "./mistake.ts";
import type { Plan } from "./plan.ts";

const mib = 1024 * 1024;

/** What the machines of a plan said, by their names. */
export interface Asked {
  /** Those that did not answer as they should. */
  mistakes: Mistake[];
  /** The others' memory. */
  memoryMiB: Record<string, number>;
  /** Which of its starts each is in. Empty in the lab. */
  boots: Record<string, string>;
}

/**
 * Asks the machines of a plan, before anything is touched, whether they answer and how much memory they have. Reads only;
 * with `knownHosts: accept-new` the key of a machine seen for the first time is written to this project's known_hosts.
 */
export async function askMachines(plan: Plan): Promise<Asked> {
  // A lab's hosts need not be there yet; they have the memory of this machine.
  if (plan.lab) {
    const memoryMiB = Math.floor(totalmem() / mib);
    return {
      mistakes: [],
      memoryMiB: Object.fromEntries(plan.hosts.map(({ name }) => [name, memoryMiB])),
      boots: {},
    };
  }
  const answers = await Promise.all([plan.storage, ...plan.hosts].map(({ ssh }) => ask(ssh)));
  const reasons = Object.fromEntries(
    answers.flatMap(({ name, reason }) => (reason === undefined ? [] : [[name, reason]])),
  );
  const memoryMiB = Object.fromEntries(
    answers.flatMap(({ name, memoryMiB }) => (memoryMiB === undefined ? [] : [[name, memoryMiB]])),
  );
  const boots = Object.fromEntries(
    answers.flatMap(({ name, boot }) => (boot === undefined ? [] : [[name, boot]])),
  );
  return { mistakes: checkAnswers(plan, reasons), memoryMiB, boots };
}

interface Answer {
  name: string;
  memoryMiB?: number;
  boot?: string;
  /** Why it did not answer as it should. */
  reason?: string;
}

async function ask(target: SshTarget): Promise<Answer> {
  const { name, address, port, user, privateKeyFile, knownHostsFile } = target;
  const reached = await execa("bash", [join(import.meta.dirname, "..", "hosts", "reach.sh")], {
    env: {
      HOST_NAME: name,
      HOST_ADDRESS: address,
      HOST_PORT: String(port),
      HOST_USER: user,
      HOST_KEY_FILE: privateKeyFile ?? "",
      KNOWN_HOSTS_FILE: knownHostsFile ?? "",
      KNOWN_HOSTS: knownHostsFile ? "accept-new" : "strict",
      HOST_KEY: "",
    },
    reject: false,
  });
  // Its first words name the machine, as the mistake will.
  if (reached.exitCode !== 0) return { name, reason: reached.stderr.replace(/^host .*? port \d+\): /, "") };
  const question = "cat /proc/sys/kernel/random/boot_id /proc/meminfo";
  const said = await execa("ssh", [...sshOptions(target), address, question], { reject: false });
  const [boot = ""] = said.stdout.split("\n");
  const totalKiB = /^MemTotal:\s*(\d+) kB$/m.exec(said.stdout)?.[1];
  return totalKiB === undefined
    ? { name, reason: said.stderr }
    : { name, boot, memoryMiB: Math.floor(Number(totalKiB) / 1024) };
}
