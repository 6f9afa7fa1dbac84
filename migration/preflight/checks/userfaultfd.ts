import { type Check, failed, passed } from "./check.ts";
import { known, type PreflightCheck } from "./evidence.ts";

/** @param verdict "usable", or what the kernel said when QEMU's user asked for one */
function userfaultfdCheck(host: string, verdict: string): Check {
  return verdict === "usable"
    ? passed("post-copy", `QEMU may use userfaultfd on ${host}`)
    : failed(
        "post-copy",
        `QEMU may not use userfaultfd on ${host} (${verdict}), without which post-copy cannot be: ` +
          "set vm.unprivileged_userfaultfd=1 there (sysctl -w, and a file in /etc/sysctl.d), or move it another way (migration.mode)",
      );
}

export const userfaultfd: PreflightCheck = {
  lasts: true,
  asks: ({ demands }) => (demands.userfaultfd ? { destination: [{ ask: "userfaultfd" }] } : {}),
  judge: ({ demands, destination, atDestination }) =>
    demands.userfaultfd
      ? userfaultfdCheck(destination.name, known(destination, "userfaultfd", atDestination.userfaultfd))
      : undefined,
};
