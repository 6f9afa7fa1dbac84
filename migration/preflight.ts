import { virtType } from "../libvirt/domain-xml.ts";
import { quote } from "../libvirt/ssh-session.ts";
import { virsh } from "../libvirt/virsh.ts";
import { type MigrationRecord, movesRunning } from "../report/record.ts";
import { misfits } from "./fitting.ts";
import type { GuestPlatform } from "./hardware.ts";
import type { Station } from "./moving.ts";
import type { MigrationRequest } from "./request.ts";

export type Check = NonNullable<MigrationRecord["preflight"]>[number];

/** A check that speaks against a move; nothing has been touched. */
export class PreflightFailed extends Error {
  readonly checks: readonly Check[];

  constructor(guest: string, destination: string, checks: readonly Check[]) {
    const failed = checks.filter(({ verdict }) => verdict === "fail");
    super(
      `Guest ${guest} cannot move to ${destination}; nothing was changed.\n` +
        failed.map(({ check, detail }) => `  ${check}: ${detail}`).join("\n"),
    );
    this.name = "PreflightFailed";
    this.checks = checks;
  }
}

/** What the hypervisor itself needs besides the guest's memory, as a part of it and at least. */
const overhead = { share: 0.05, leastMiB: 64 };

/**
 * Asks both hosts, before anything is touched, whether the guest can be moved: the destination's free memory, a CPU like
 * the guest's, the way there from the source, no other guest of that name, an emulator that copies memory faithfully. Throws PreflightFailed.
 */
export async function preflight(
  { guest, uuid, conditions, options, platform }: MigrationRequest,
  source: Station,
  destination: Station,
  versions: MigrationRecord["versions"],
): Promise<Check[]> {
  const [memory, way, namesake, cpu] = await Promise.all([
    destination.session.run(
      "reading the free memory",
      `awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo`,
    ),
    source.session.run(
      "asking whether the hosts reach each other",
      `ssh -o BatchMode=yes -o ConnectTimeout=10 root@${quote(destination.host.peerAddress)} virsh -q -c qemu:///system uri`,
      { allowFailure: true },
    ),
    destination.session.run(
      "looking for another guest of that name",
      `virsh -q -c qemu:///system domuuid ${quote(guest)} 2>/dev/null || true`,
    ),
    platform?.cpuXml === undefined ? undefined : compareCpu(destination, platform, platform.cpuXml),
  ]);
  const checks = [
    memoryCheck(destination.name, Number(memory.stdout), conditions.memoryMiB),
    wayCheck(source.name, destination.name, way.exitCode === 0 ? undefined : way.stderr.trim()),
    nameCheck(guest, destination.name, uuid, namesake.stdout.trim()),
    ...(cpu === undefined ? [] : [cpu]),
    ...misfits(options, versions).map(({ option, problem, mend }) =>
      check("options", false, `${option} ${problem}: ${mend}`),
    ),
    ...(movesRunning(options.mode)
      ? [emulationCheck(conditions.accelerator, source.name, versions.from.qemu)]
      : []),
  ];
  if (checks.some(({ verdict }) => verdict === "fail")) {
    throw new PreflightFailed(guest, destination.name, checks);
  }
  return checks;
}

const check = (name: string, passed: boolean, detail: string): Check => ({
  check: name,
  verdict: passed ? "pass" : "fail",
  detail,
});

export function memoryCheck(host: string, availableMiB: number, memoryMiB: number): Check {
  const neededMiB = Math.ceil(memoryMiB + Math.max(overhead.leastMiB, memoryMiB * overhead.share));
  const detail = `${host} has ${availableMiB} MiB available, ${neededMiB} MiB are needed`;
  return check("memory", availableMiB >= neededMiB, detail);
}

/** A guest keeps the CPU model that it was made with, and a host that came later need not have it. */
async function compareCpu(
  { name, session }: Station,
  platform: GuestPlatform,
  cpuXml: string,
): Promise<Check> {
  const { accelerator, machine } = platform;
  const of = ["--virttype", virtType(platform), "--machine", machine];
  const { exitCode, stderr } = await virsh(
    session,
    "comparing the guest's CPU model with the host's",
    ["hypervisor-cpu-compare", ...of, "--error", "/dev/stdin"],
    { input: cpuXml, allowFailure: true },
  );
  if (exitCode === 0)
    return check("CPU", true, `${name} has all of the guest's CPU model (${accelerator}, ${machine})`);
  const reason = stderr
    .replaceAll(/^error: /gm, "")
    .trim()
    .split("\n")
    .at(-1);
  return check(
    "CPU",
    false,
    `${name} cannot run the guest's CPU model (${accelerator}, ${machine}), which was made for the hosts of that time: ${reason}. ` +
      "Shut the guest down and run `pulumi up`: it is then started with a model that all hosts have, and moved",
  );
}

function wayCheck(source: string, destination: string, error?: string): Check {
  return error === undefined
    ? check("host to host", true, `${source} reaches libvirt on ${destination} over SSH`)
    : check("host to host", false, `${source} does not reach libvirt on ${destination} over SSH: ${error}`);
}

function nameCheck(guest: string, host: string, uuid: string, found: string): Check {
  return found === "" || found === uuid
    ? check("name", true, `no other guest on ${host} has this name`)
    : check(
        "name",
        false,
        `${host} has another guest named ${guest} (uuid ${found}): rename or remove one of them`,
      );
}

/**
 * Before 9.0, an emulating QEMU (TCG) did not see all of the writes to memory that it was copying: guests crashed after a
 * pre-copy, or went on with old data (mended by "physmem: Fix migration dirty bitmap coherency with TCG memory access").
 */
export function emulationCheck(accelerator: "kvm" | "tcg", host: string, qemu: string): Check {
  const faithful = accelerator === "kvm" || Number.parseFloat(qemu) >= 9;
  return check(
    "memory copy",
    faithful,
    faithful
      ? `QEMU ${qemu} on ${host} tracks all writes under ${accelerator}`
      : `QEMU ${qemu} on ${host} emulates (tcg) and, before 9.0, loses writes while a running guest's memory is copied: ` +
          "move it offline or cold, or install QEMU 9.0 or newer (Debian 12 has it in bookworm-backports)",
  );
}
