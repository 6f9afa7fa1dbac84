import type { Fault } from "./fault.ts";

// What a guest does to itself while it is moved: nobody took its memory away.

/** At once, without a shutdown: by what the kernel does for one letter. A guest that is stopped does so as soon as it goes on. */
const byItself = (letter: "b" | "c" | "o", before = "true"): Fault["strike"] => {
  const act = `${before}; sleep 0.2; echo ${letter} > /proc/sysrq-trigger`;
  return ({ stack, guest }) =>
    stack.inGuest(guest, `sudo setsid -f sh -c '${act}' </dev/null >/dev/null 2>&1`);
};

export const guestFaults = {
  guestOff: {
    name: "the guest powers itself off",
    strike: byItself("o"),
    told: /powered itself off/,
  },
  guestReboot: { name: "the guest reboots itself", strike: byItself("b") },
  guestPanic: {
    name: "the guest's kernel panics and boots again",
    strike: byItself("c", "sysctl -q kernel.panic=1"),
  },
} satisfies Record<string, Fault>;
