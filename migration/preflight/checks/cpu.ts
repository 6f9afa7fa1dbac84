import type { GuestPlatform } from "../../../domain/hardware.ts";
import { virtType } from "../../../libvirt/domain-xml.ts";
import { cpuXmlOf } from "../../../libvirt/named-cpu.ts";
import { type Check, failed, passed } from "./check.ts";
import { known, type PreflightCheck } from "./evidence.ts";

/**
 * A guest keeps the CPU model that it was made with, and a host that came later need not have it.
 *
 * @param verdict "fits", or what libvirt at the destination says against it
 */
function cpuCheck(host: string, { accelerator, machine, cpu }: GuestPlatform, verdict: string): Check {
  if (cpu !== undefined) {
    return verdict === "fits"
      ? passed("CPU", `${host} has the guest's CPU model ${cpu} (${accelerator}, ${machine})`)
      : failed(
          "CPU",
          `${host} lacks the CPU model that the guest is to have, ${cpu} (${accelerator}, ${machine}): ${verdict}. ` +
            "Give the guest one that all hosts have (guests[].cpu), which restarts it, or place it on a host that has this one",
        );
  }
  return verdict === "fits"
    ? passed("CPU", `${host} has all of the guest's CPU model (${accelerator}, ${machine})`)
    : failed(
        "CPU",
        `${host} cannot run the guest's CPU model (${accelerator}, ${machine}), which was made for the hosts of that time: ${verdict}. ` +
          "Shut the guest down and run `pulumi up`: it is then started with a model that all hosts have, and moved",
      );
}

/** The CPU model itself goes to the destination on standard input. */
export const cpu: PreflightCheck = {
  lasts: true,
  asks: ({ request: { platform } }) =>
    platform === undefined || cpuXmlOf(platform) === undefined
      ? {}
      : { destination: [{ ask: "cpu", virtType: virtType(platform), machine: platform.machine }] },
  judge: ({ request: { platform }, destination, atDestination }) =>
    platform === undefined || cpuXmlOf(platform) === undefined
      ? undefined
      : cpuCheck(destination.name, platform, known(destination, "a comparison of CPUs", atDestination.cpu)),
};
