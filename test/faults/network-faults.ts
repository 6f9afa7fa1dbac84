import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { containerOf } from "../lab/traces.ts";
import type { Fault } from "./fault.ts";
import type { Struck } from "./moments.ts";

/** The way from host to host is cut; the storage host and this machine are reached as before. */
export async function cutLink({ stack, from, to }: Struck, cut: boolean): Promise<void> {
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

/** libvirt's connection from host to host is given up after 30 s without an answer (keepalive_interval 5, keepalive_count 5). */
const linkCut = (seconds: number): Fault => ({
  name: `the link between the hosts is cut for ${seconds} s`,
  async strike(struck) {
    await cutLink(struck, true);
    await sleep(seconds * 1000);
    await cutLink(struck, false);
  },
  fix: (struck) => cutLink(struck, false),
});

/** Packets from host to host, by a rule in both hosts' network namespaces. */
async function lose({ stack, from, to }: Struck, percent: number): Promise<void> {
  for (const [host, peer] of [
    [from, to],
    [to, from],
  ] as const) {
    const { init } = await containerOf(stack.name, host);
    const nft = (input: string) =>
      execa("nsenter", ["--target", String(init), "--net", "nft", "-f", "-"], { input });
    await nft("table inet fault\ndelete table inet fault\n");
    if (percent === 0) continue;
    const rule = `ip saddr ${stack.hostAddress(peer)} numgen random mod 100 < ${percent} drop`;
    await nft(`table inet fault { chain input { type filter hook input priority 0; ${rule}; }; }\n`);
  }
}

const loss = (percent: number): Fault => ({
  name: `${percent} % of the packets between the hosts are lost`,
  prepare: (struck) => lose(struck, percent),
  fix: (struck) => lose(struck, 0),
});

/** Another program that listens at the destination. */
const portTaken = (port: number): Fault => ({
  name: `TCP port ${port} at the destination taken by another program`,
  prepare: ({ stack, to }) =>
    stack.on(to, `setsid -f nc -lk ${port} </dev/null >/dev/null 2>&1; sleep 0.2; pgrep -f 'nc -l[k]'`),
  fix: ({ stack, to }) => stack.on(to, "pkill -f 'nc -l[k]' || true"),
});

/** libvirt takes the first free one of its own, unless one is asked for. */
export const ownPort = 49300;

export const networkFaults = {
  shortCut: linkCut(2),
  cutBelowKeepalive: linkCut(15),
  cutBeyondKeepalive: linkCut(40),
  longCut: linkCut(60),
  loss: loss(5),
  heavyLoss: loss(20),
  firstPortTaken: portTaken(49152),
  ownPortTaken: portTaken(ownPort),
  sshRefused: {
    name: "SSH to the destination refused",
    // The connections that are there stay; its port is answered by nobody.
    strike: ({ stack, to }) => stack.on(to, "systemctl stop ssh"),
    fix: ({ stack, to }) => startSsh(stack.name, to),
  },
} satisfies Record<string, Fault>;

/** Not over SSH, which is what is missing. */
async function startSsh(lab: string, host: string): Promise<void> {
  const { init } = await containerOf(lab, host);
  await execa("nsenter", ["--target", String(init), "--all", "systemctl", "start", "ssh"]);
}
