import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";
import type { Struck } from "./moments.ts";
import { cutLink } from "./network-faults.ts";
import { killQemu } from "./process-faults.ts";

// A post-copy that is paused: each end has a part of the memory, and what happens then.

const paused = (guest: string) =>
  `virsh -c qemu:///system domstate --reason ${guest} | grep -q "post-copy failed"`;

/** By libvirt's own means, as if the link had broken. */
async function pause({ stack, guest, from }: Struck): Promise<void> {
  await stack.virsh(from, `domjobabort --postcopy ${guest}`);
}

/** While the ends cannot be connected again. */
const whilePaused = (name: string, act: (struck: Struck) => Promise<unknown>): Fault => ({
  name: `the post-copy paused and the link cut; ${name}`,
  async strike(struck) {
    const { stack, guest, from } = struck;
    await pause(struck);
    await cutLink(struck, true);
    await stack.until(from, paused(guest));
    await act(struck);
    await sleep(2000);
    await cutLink(struck, false);
  },
  fix: (struck) => cutLink(struck, false),
});

const restart = ({ stack }: Struck, host: string) => stack.on(host, "systemctl restart libvirtd");
const destroy = ({ stack, guest }: Struck, host: string) =>
  stack.on(host, `timeout 60 virsh -c qemu:///system destroy ${guest}`);

export const postcopyFaults = {
  pausedTwice: {
    name: "the post-copy paused twice",
    async strike(struck) {
      const { stack, guest, from } = struck;
      await pause(struck);
      const state = `virsh -c qemu:///system domstate --reason ${guest}`;
      await stack.until(from, `{ ${state} | grep -q post-copy && ! ${paused(guest)}; }`);
      // Not while it is connecting, which refuses.
      await stack.until(from, `virsh -c qemu:///system domjobabort --postcopy ${guest}`);
    },
  },
  recoveringFails: whilePaused("connecting them again fails for 15 s", () => sleep(15_000)),
  pausedSourceLibvirtd: whilePaused("source's libvirtd restarted", (struck) => restart(struck, struck.from)),
  // Its QEMU may wait for a page, and its monitor with it: nobody can tell it to connect again then.
  pausedDestinationLibvirtd: {
    ...whilePaused("destination's libvirtd restarted", (struck) => restart(struck, struck.to)),
    leftToPeople: /Nothing was ended: each has a part of the guest's memory.*virsh destroy/,
  },
  pausedSourceQemu: whilePaused("source's QEMU killed", (struck) => killQemu(struck, struck.from)),
  pausedDestinationQemu: whilePaused("destination's QEMU killed", (struck) => killQemu(struck, struck.to)),
  pausedSourceDestroyed: whilePaused("virsh destroy at the source", (struck) => destroy(struck, struck.from)),
  pausedDestinationDestroyed: whilePaused("virsh destroy at the destination", (struck) =>
    destroy(struck, struck.to),
  ),
} satisfies Record<string, Fault>;
