import { type Check, failed, passed } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/** @param known the machine types of the destination's QEMU */
function machineCheck(host: string, machine: string, known: readonly string[]): Check {
  return known.includes(machine)
    ? passed("machine type", `${host} knows ${machine}`)
    : failed(
        "machine type",
        `${host} does not know the guest's machine type ${machine}: install a QEMU there that does (${machine.split("-").at(-1)} or newer), ` +
          "or shut the guest down and run `pulumi up`: it is then started with one that all hosts know, and moved",
      );
}

export const machineType: PreflightCheck = {
  lasts: true,
  asks: () => ({ destination: [{ ask: "machines" }] }),
  judge: ({ destination, domain: { machine }, atDestination }) =>
    machine === undefined ? undefined : machineCheck(destination.name, machine, atDestination.machines),
};
