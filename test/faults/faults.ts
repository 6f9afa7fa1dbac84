import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { LabStack } from "../lab/stack.ts";
import { containerOf, killContainers, processTree, signal } from "../lab/traces.ts";
import type { Struck } from "./moments.ts";

/** Something that goes wrong, and what puts the machines (not the guest) in order again. */
export interface Fault {
  /** As the table says it. */
  readonly name: string;
  /** @param cli the process of the `pulumi up` that moves the guest */
  strike(struck: Struck, cli: number): Promise<unknown>;
  mend?(struck: Struck): Promise<unknown>;
}

const killQemu = ({ stack, guest }: Struck, host: string) =>
  stack.on(host, `pkill -KILL -f 'qemu-system.*[g]uest=${guest},' || true`);
const killLibvirtd = (stack: LabStack, host: string) =>
  stack.on(host, "systemctl kill --signal=KILL libvirtd");

/** The way from host to host is cut; the storage host and this machine are reached as before. */
async function cutLink({ stack, from, to }: Struck, cut: boolean): Promise<void> {
  for (const host of [from, to]) {
    await execa("bridge", [
      "link",
      "set",
      "dev",
      `vb-testbed-${stack.name}-${host}`,
      "isolated",
      cut ? "on" : "off",
    ]);
  }
}

const linkCut = (seconds: number): Fault => ({
  name: `the link between the hosts is cut for ${seconds} s`,
  async strike(struck) {
    await cutLink(struck, true);
    await sleep(seconds * 1000);
    await cutLink(struck, false);
  },
  mend: (struck) => cutLink(struck, false),
});

async function killProvider(cli: number): Promise<void> {
  for (const pid of await processTree(cli)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (/dynamic-provider/.test(command)) signal(pid, "SIGKILL");
  }
}

export const faults = {
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
  cli: { name: "Pulumi's CLI killed", strike: async (_, cli) => signal(cli, "SIGKILL") },
  interruption: { name: "the update interrupted (Ctrl-C)", strike: async (_, cli) => signal(cli, "SIGINT") },
  provider: { name: "the provider's process killed", strike: (_, cli) => killProvider(cli) },
  shortCut: linkCut(2),
  longCut: linkCut(60),
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
  nfs: {
    name: "the NFS server stopped for 10 s",
    strike: ({ stack }) =>
      stack.on("storage", "systemctl stop nfs-ganesha; sleep 10; systemctl start nfs-ganesha"),
    mend: ({ stack }) => stack.on("storage", "systemctl start nfs-ganesha"),
  },
  noSpace: {
    name: "no space left for the state file at the destination",
    strike: ({ stack, to }) =>
      stack.on(
        to,
        "mkdir -p /var/lib/kvm-migration-testbed/moving && mount -t tmpfs -o size=1m full /var/lib/kvm-migration-testbed/moving",
      ),
    mend: ({ stack, to }) => stack.on(to, "umount /var/lib/kvm-migration-testbed/moving || true"),
  },
  sshRefused: {
    name: "SSH to the destination refused",
    // The connections that are there stay; its port is answered by nobody.
    strike: ({ stack, to }) => stack.on(to, "systemctl stop ssh"),
    mend: ({ stack, to }) => startSsh(stack, to),
  },
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof faults;

/** Not over SSH, which is what is missing. */
async function startSsh(stack: LabStack, host: string): Promise<void> {
  const { init } = await containerOf(stack.name, host);
  await execa("nsenter", ["--target", String(init), "--all", "systemctl", "start", "ssh"]);
}
