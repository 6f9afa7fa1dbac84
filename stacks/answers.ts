import { claimFile } from "../hosts/claim.ts";
import { type Mistake, pathText } from "./mistake.ts";
import type { Plan } from "./plan.ts";
import { list } from "./words.ts";

/** What a machine says of itself. */
export interface MachineAnswer {
  name: string;
  memoryMiB: number;
  cpus: number;
  /** Which of its starts it is in. */
  boot: string;
  interfaces: readonly string[];
  /** Whether there is a /dev/kvm; only a guest proves that it works. */
  hasKvm: boolean;
  /** The testbed that it belongs to: its stack's name, and what tells it from others of that name. */
  claim?: string;
}

/** A machine that did not answer as it should: "does not answer". */
export interface NoAnswer {
  name: string;
  reason: string;
}

export const didAnswer = (answer: MachineAnswer | NoAnswer | undefined): answer is MachineAnswer =>
  answer !== undefined && !("reason" in answer);

/** What `parseAnswer` reads; bash. */
export const question = `echo "boot $(cat /proc/sys/kernel/random/boot_id)"
awk '/^MemTotal:/ { print "memoryKiB", $2 }' /proc/meminfo
echo "cpus $(nproc --all)"
for link in /sys/class/net/*; do echo "interface \${link##*/}"; done
[ ! -e /dev/kvm ] || echo kvm
[ ! -e ${claimFile} ] || echo "claim $(cat ${claimFile})"`;

/** Undefined: this is not what was asked for. */
export function parseAnswer(name: string, printed: string): MachineAnswer | undefined {
  const values = (key: string) =>
    [...printed.matchAll(new RegExp(`^${key} (.+)$`, "gm"))].map(([, value = ""]) => value);
  const [boot] = values("boot");
  const [memoryKiB] = values("memoryKiB");
  const [cpus] = values("cpus");
  const [claim] = values("claim");
  if (boot === undefined || memoryKiB === undefined || cpus === undefined) return undefined;
  return {
    name,
    boot,
    memoryMiB: Math.floor(Number(memoryKiB) / 1024),
    cpus: Number(cpus),
    interfaces: values("interface"),
    hasKvm: /^kvm$/m.test(printed),
    ...(claim && { claim }),
  };
}

/**
 * What the machines' answers say against a plan: those that did not answer, and what the config names and hosts lack.
 *
 * @param areOff hosts from which no answer is awaited. Default: none
 */
export function checkAnswers(
  plan: Plan,
  answers: readonly (MachineAnswer | NoAnswer)[],
  areOff: readonly string[] = [],
): Mistake[] {
  const byName = new Map(answers.map((answer) => [answer.name, answer]));
  const machines = [
    { path: ["storage"], ...plan.storage },
    ...plan.hosts.map((host, index) => ({ path: ["hosts", index], ...host })),
  ];
  const unfit = machines.flatMap(({ path, name, ssh }) => {
    const answer = byName.get(name);
    if (answer === undefined || areOff.includes(name)) return [];
    if (didAnswer(answer)) return claimMistakes(plan, path, answer);
    return [
      {
        path: pathText(path),
        problem: `${name} (${ssh.user}@${ssh.address} port ${ssh.port}) ${answer.reason.trim()}`,
        fix: "fix the machine, or its address, port, user or key here",
      },
    ];
  });
  const lacking = plan.hosts.flatMap(({ name, accelerator }, index) => {
    const answer = byName.get(name);
    return didAnswer(answer)
      ? [
          ...uplinkMistakes(plan, answer),
          ...bridgeMistakes(plan, answer),
          ...kvmMistakes(accelerator, index, answer),
        ]
      : [];
  });
  return [...unfit, ...lacking];
}

/** Of two stacks with one name, hosts/scripts/claim.sh tells which one's the machine is. */
function claimMistakes({ stack }: Plan, path: PropertyKey[], { name, claim }: MachineAnswer): Mistake[] {
  const owner = claim?.split(" ")[0];
  if (owner === undefined || owner === stack) return [];
  return [
    {
      path: pathText(path),
      problem: `${name} belongs to the testbed ${owner}, and a machine serves one`,
      fix: `destroy that stack where it was made (pulumi destroy --stack ${owner}); or, if it no longer exists, remove ${claimFile} on ${name}`,
    },
  ];
}

function uplinkMistakes({ bridge }: Plan, { name, interfaces }: MachineAnswer): Mistake[] {
  const { uplink } = bridge;
  // A host with the bridge needs no uplink any more.
  if (
    uplink === undefined ||
    uplink === "none" ||
    interfaces.includes(bridge.name) ||
    interfaces.includes(uplink)
  )
    return [];
  const others = interfaces.filter((other) => other !== "lo");
  return [
    {
      path: pathText(["bridge", "uplink"]),
      problem: `${name} has no interface ${uplink}; it has ${list(others)}`,
      fix: "name one that all hosts have, or make the bridge on this host yourself",
    },
  ];
}

/** Bridges of guests' further network cards, which are there already. */
function bridgeMistakes({ guests, bridge: own }: Plan, { name, interfaces }: MachineAnswer): Mistake[] {
  return guests.flatMap(({ nics }, guest) =>
    nics.flatMap(({ bridge }, at) =>
      bridge === own.name || interfaces.includes(bridge)
        ? []
        : [
            {
              path: pathText(["guests", guest, "nics", at, "bridge"]),
              problem: `${name} has no bridge ${bridge}`,
              fix: "make it on every host (a VLAN's bridge, say), or name one that all have",
            },
          ],
    ),
  );
}

function kvmMistakes(
  accelerator: Plan["hosts"][number]["accelerator"],
  index: number,
  { name, hasKvm }: MachineAnswer,
): Mistake[] {
  if (accelerator !== "kvm" || hasKvm) return [];
  return [
    {
      path: pathText(["hosts", index, "accelerator"]),
      problem: `${name} is to run guests with KVM, and has no /dev/kvm`,
      fix: "turn on virtualisation in its firmware (or nested, in its hypervisor) and load kvm_intel or kvm_amd; or set auto, to fall back to emulation",
    },
  ];
}
