import { setTimeout as sleep } from "node:timers/promises";
import { killTree } from "../lab/traces.ts";
import type { Fault } from "./fault.ts";
import type { Struck } from "./moments.ts";

// What a person does with virsh, during a move and between two runs.

/** @param command of virsh; what it refuses is its affair */
const virsh = ({ stack, guest }: Struck, host: string, command: string) =>
  stack.on(host, `timeout 60 virsh -c qemu:///system ${command.replaceAll("GUEST", guest)} || true`);

/** The host that has no part in the move. */
export const bystander = "host3";

const migrateTo = (host: string) =>
  `migrate --live --p2p --persistent --undefinesource GUEST qemu+ssh://${host}/system`;

/** Paused for a while, where it runs or is about to. */
const suspended =
  (end: "from" | "to"): Fault["strike"] =>
  async (struck) => {
    await virsh(struck, struck[end], "suspend GUEST");
    await sleep(2000);
    await virsh(struck, struck[end], "resume GUEST");
  };

export const handFaults = {
  sourceDestroyed: {
    name: "virsh destroy at the source",
    strike: (struck) => virsh(struck, struck.from, "destroy GUEST"),
  },
  destinationDestroyed: {
    name: "virsh destroy at the destination",
    strike: (struck) => virsh(struck, struck.to, "destroy GUEST"),
  },
  suspendedAtSource: { name: "virsh suspend and resume at the source", strike: suspended("from") },
  suspendedAtDestination: { name: "virsh suspend and resume at the destination", strike: suspended("to") },
  secondMove: {
    name: "a second virsh migrate, to a third host",
    strike: (struck) => virsh(struck, struck.from, migrateTo(bystander)),
  },
  abortedAtSource: {
    name: "virsh domjobabort at the source",
    strike: (struck) => virsh(struck, struck.from, "domjobabort GUEST"),
  },
  abortedAtDestination: {
    name: "virsh domjobabort at the destination",
    strike: (struck) => virsh(struck, struck.to, "domjobabort GUEST"),
  },
  blockJobAborted: {
    name: "virsh blockjob --abort of the disk's copy",
    async strike(struck) {
      const { stack, guest, from } = struck;
      // It tells of its progress as an error.
      await stack.until(
        from,
        `virsh -c qemu:///system blockjob ${guest} vda --info 2>&1 | grep -q "Block Copy"`,
      );
      await virsh(struck, from, "blockjob GUEST vda --abort");
    },
  },
} satisfies Record<string, Fault>;

const off = (guest: string) => `virsh -c qemu:///system domstate ${guest} | grep -q "shut off"`;

/** The guest works for a while, and is shut down. */
async function useAndShutDown({ stack, guest }: Struck, host: string): Promise<void> {
  await stack.reachable(guest);
  await sleep(5000);
  // A guest that is still booting does not listen yet.
  await stack.until(host, `{ virsh -c qemu:///system shutdown ${guest}; sleep 2; ${off(guest)}; }`);
}

const killed: Fault["strike"] = (_, cli) => killTree(cli);
/** The transfer of libvirt's that a killed run left has ended. */
const libvirtDone = ({ stack, guest, from }: Struck) =>
  stack.until(from, `! virsh -c qemu:///system domjobinfo ${guest} 2>/dev/null | grep -q Outgoing`);

/** The killed run has shut the guest down, and started it nowhere: a person who starts it makes no second copy. */
async function isOff({ stack, guest, from }: Struck): Promise<void> {
  await stack.until(from, off(guest));
  const running = Object.entries(await stack.places(guest)).filter(([, state]) => !state.startsWith("shut"));
  if (running.length > 0) throw new Error(`the run was killed too late: ${guest} runs on ${running[0]?.[0]}`);
}

/** Between two runs: after the first was killed with all that belongs to it. */
export const handsBetweenRuns = {
  startedAtSource: {
    name: "the run killed; the guest started by hand at the source, used and shut down",
    strike: killed,
    async byHand(struck) {
      const { stack, guest, from } = struck;
      await isOff(struck);
      await stack.virsh(from, `start ${guest}`);
      await useAndShutDown(struck, from);
    },
  },
  leftRunningAtSource: {
    name: "the run killed; the guest started by hand at the source",
    strike: killed,
    async byHand(struck) {
      const { stack, guest, from } = struck;
      await isOff(struck);
      await stack.virsh(from, `start ${guest}`);
      await stack.reachable(guest);
    },
  },
  startedElsewhere: {
    name: "the run killed; the guest defined and started by hand on a third host",
    strike: killed,
    async byHand(struck) {
      const { stack, guest, from } = struck;
      await isOff(struck);
      const xml = await stack.virsh(from, `dumpxml --security-info --inactive ${guest}`);
      const encoded = Buffer.from(xml).toString("base64");
      await stack.on(
        bystander,
        `base64 -d <<< ${encoded} > /run/by-hand.xml && virsh -q -c qemu:///system define /run/by-hand.xml`,
      );
      await stack.virsh(bystander, `start ${guest}`);
      await stack.reachable(guest);
    },
  },
  movedElsewhere: {
    name: "the run killed; the guest moved by hand to a third host",
    strike: killed,
    async byHand(struck) {
      await libvirtDone(struck);
      const { stack, guest } = struck;
      const [host] =
        Object.entries(await stack.places(guest)).find(([, state]) => state.startsWith("running")) ?? [];
      if (!host) throw new Error(`${guest} runs nowhere`);
      await stack.virsh(host, migrateTo(bystander).replace("GUEST", guest));
    },
  },
} satisfies Record<string, Fault>;
