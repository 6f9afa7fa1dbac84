import type { GuestPlatform } from "../../domain/hardware.ts";
import { virtType } from "../../libvirt/domain-xml.ts";
import { cpuXmlOf } from "../../libvirt/named-cpu.ts";
import { type HostVersions, isOlder } from "../../libvirt/versions.ts";
import { type Check, failed, passed, warned } from "./check.ts";
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

/** Nobody promises what an older QEMU or libvirt makes of a newer one's stream. */
export function versionCheck(
  [source, from]: readonly [string, HostVersions],
  [destination, to]: readonly [string, HostVersions],
): Check {
  const older = (["qemu", "libvirt"] as const).filter((what) => isOlder(to[what], from[what]));
  const said = (versions: HostVersions) => `QEMU ${versions.qemu}, libvirt ${versions.libvirt}`;
  const both = `${source} has ${said(from)}; ${destination} has ${said(to)}`;
  return older.length === 0
    ? passed("versions", both)
    : warned(
        "versions",
        `${both}: moving to an older version often works and is promised by nobody; upgrade ${destination}`,
      );
}

/**
 * Before 9.0, an emulating QEMU (TCG) did not see all of the writes to memory that it was copying: guests crashed after a
 * pre-copy, or went on with old data (fixed by "physmem: Fix migration dirty bitmap coherency with TCG memory access").
 */
export function emulationCheck(accelerator: "kvm" | "tcg", host: string, qemu: string): Check {
  return accelerator === "kvm" || Number.parseFloat(qemu) >= 9
    ? passed("memory copy", `QEMU ${qemu} on ${host} tracks all writes under ${accelerator}`)
    : failed(
        "memory copy",
        `QEMU ${qemu} on ${host} emulates (tcg) and, before 9.0, loses writes while a running guest's memory is copied: ` +
          "move it offline or cold, or install QEMU 9.0 or newer (Debian 12 has it in bookworm-backports)",
      );
}

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

export const machineType: PreflightCheck = {
  lasts: true,
  asks: () => ({ destination: [{ ask: "machines" }] }),
  judge: ({ destination, domain: { machine }, atDestination }) =>
    machine === undefined ? undefined : machineCheck(destination.name, machine, atDestination.machines),
};

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

export const versions: PreflightCheck = {
  judge: ({ demands, source, destination, versions: { from, to } }) =>
    demands.movesMemory ? versionCheck([source.name, from], [destination.name, to]) : undefined,
};

export const memoryCopy: PreflightCheck = {
  lasts: true,
  judge: ({ request, demands, source, versions: { from } }) =>
    demands.copiesRunningMemory
      ? emulationCheck(request.conditions.accelerator, source.name, from.qemu)
      : undefined,
};

export const userfaultfd: PreflightCheck = {
  lasts: true,
  asks: ({ demands }) => (demands.userfaultfd ? { destination: [{ ask: "userfaultfd" }] } : {}),
  judge: ({ demands, destination, atDestination }) =>
    demands.userfaultfd
      ? userfaultfdCheck(destination.name, known(destination, "userfaultfd", atDestination.userfaultfd))
      : undefined,
};
