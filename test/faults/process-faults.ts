import { readFile } from "node:fs/promises";
import type { LabStack } from "../lab/stack.ts";
import { killContainers, processTree, signal } from "../lab/traces.ts";
import type { Fault } from "./fault.ts";
import type { Struck } from "./moments.ts";

// Programs that are killed or stand still, and machines that stop.

export const killQemu = ({ stack, guest }: Struck, host: string) =>
  stack.on(host, `pkill -KILL -f 'qemu-system.*[g]uest=${guest},' || true`);
const killLibvirtd = (stack: LabStack, host: string) =>
  stack.on(host, "systemctl kill --signal=KILL libvirtd");

async function killProvider(cli: number): Promise<void> {
  for (const pid of await processTree(cli)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (/dynamic-provider/.test(command)) signal(pid, "SIGKILL");
  }
}

/** A program that is there and answers nobody for a while. */
const stopped = (what: string, program: string, end: "from" | "to", seconds: number): Fault => ({
  name: `${what} stopped (SIGSTOP) for ${seconds} s`,
  strike: ({ stack, [end]: host }) =>
    stack.on(host, `pkill -STOP -x ${program}; sleep ${seconds}; pkill -CONT -x ${program}`),
  fix: ({ stack, [end]: host }) => stack.on(host, `pkill -CONT -x ${program} || true`),
});

export const processFaults = {
  sourceQemu: { name: "source's QEMU killed", strike: (struck) => killQemu(struck, struck.from) },
  destinationQemu: { name: "destination's QEMU killed", strike: (struck) => killQemu(struck, struck.to) },
  sourceLibvirtd: {
    name: "source's libvirtd killed",
    strike: ({ stack, from }) => killLibvirtd(stack, from),
  },
  destinationLibvirtd: {
    name: "destination's libvirtd killed",
    strike: ({ stack, to }) => killLibvirtd(stack, to),
  },
  // libvirt's connection from host to host is given up after 30 s without an answer.
  sourceLibvirtdStopped: stopped("source's libvirtd", "libvirtd", "from", 8),
  destinationLibvirtdStopped: stopped("destination's libvirtd", "libvirtd", "to", 8),
  destinationLibvirtdStoppedLong: stopped("destination's libvirtd", "libvirtd", "to", 40),
  virshStopped: stopped("every virsh at the source", "virsh", "from", 10),
  cli: { name: "Pulumi's CLI killed", strike: async (_, cli) => signal(cli, "SIGKILL") },
  interruption: { name: "the update interrupted (Ctrl-C)", strike: async (_, cli) => signal(cli, "SIGINT") },
  provider: { name: "the provider's process killed", strike: (_, cli) => killProvider(cli) },
  sourceHost: {
    name: "the source host stopped whole",
    strike: ({ stack, from }) => killContainers(stack.name, from),
  },
  destinationHost: {
    name: "the destination host stopped whole",
    strike: ({ stack, to }) => killContainers(stack.name, to),
  },
  power: {
    name: "the power lost, of all machines and this one",
    async strike({ stack, from, to }, cli) {
      signal(cli, "SIGKILL");
      await killContainers(stack.name, from, to, "storage");
    },
  },
} satisfies Record<string, Fault>;
