import { createSocket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault } from "./fault.ts";

// What a guest does to itself while it is moved: nobody took its memory away.

const port = 4444;
/** SIOCSIFFLAGS of Linux. */
const setInterfaceFlags = 0x8914;
/** Logging in takes seconds in which the moment passes: a process in the guest waits for a word. */
const waiter = (letter: string) => `
import fcntl, os, socket, struct
word = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
word.bind(("", ${port}))
word.recv(16)
# Linux 6.1 polls a network card for ever that gets packets while its driver lets go of it: down first, as a shutdown does.
for card in set(os.listdir("/sys/class/net")) - {"lo"}:
    fcntl.ioctl(word, ${setInterfaceFlags}, struct.pack("16sh14x", card.encode(), 0))
open("/proc/sysrq-trigger", "w").write("${letter}")
`;

/**
 * At once, without a shutdown: by what the kernel does for one letter. A guest whose CPUs have stopped does so as soon as they go on.
 *
 * @param before run in the guest, as root, when the move is asked for
 */
const byItself = (
  name: string,
  letter: "b" | "c" | "o",
  before = "true",
): Required<Pick<Fault, "name" | "prepare" | "strike">> => ({
  name,
  async prepare({ stack, guest }) {
    const wait = `setsid -f python3 -c '${waiter(letter)}' </dev/null >/dev/null 2>&1`;
    const isWaiting = `until ss -Hlun | grep -q ':${port} '; do sleep 0.1; done`;
    await stack.inGuest(guest, `sudo ${before}; sudo ${wait}; ${isWaiting}`);
  },
  async strike({ stack, guest }) {
    const socket = createSocket("udp4");
    // What comes while its CPUs stand still may be lost.
    for (let i = 0; i < 100; i++) {
      await new Promise((resolve) => socket.send("now", port, stack.guestAddress(guest), resolve));
      await sleep(30);
    }
    socket.close();
  },
});

export const guestFaults = {
  guestOff: { ...byItself("the guest powers itself off", "o"), told: /had shut down on the way/ },
  guestReboot: byItself("the guest reboots itself", "b"),
  guestPanic: byItself("the guest's kernel panics and boots again", "c", "sysctl -q kernel.panic=1"),
} satisfies Record<string, Fault>;
