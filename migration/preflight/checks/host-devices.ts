import type { DomainFacts } from "../../../libvirt/domain-facts.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import type { PreflightCheck } from "./evidence.ts";

/**
 * @param movesMemory whether QEMU's state goes along: a device of the host's own is not part of it
 */
export function deviceCheck(
  source: string,
  { devices = [] }: Pick<DomainFacts, "devices">,
  movesMemory: boolean,
): Check {
  const said = (some: typeof devices) => some.map(({ kind, what }) => `${kind} ${what}`).join(", ");
  const hasOwnState = (each: (typeof devices)[number]) => each.kind === "tpm" && each.what === "emulator";
  // An emulated TPM's state goes with the memory, and stays behind without it.
  const bound = devices.filter((each) => (movesMemory ? !hasOwnState(each) : hasOwnState(each)));
  if (bound.length > 0) {
    return failed(
      "devices",
      `the guest has ${said(bound)}, which belongs to ${source} or is not known to be elsewhere: take it off (virsh detach-device --live --config, or virsh edit)${
        movesMemory ? ", or move the guest cold (migration.mode)" : ", or move the guest with its memory"
      }`,
    );
  }
  const others = movesMemory ? [] : devices;
  return others.length > 0
    ? warned(
        "devices",
        `the guest has ${said(others)}: it starts only where the same is there, and may not be the same thing`,
      )
    : passed("devices", "it has none that belongs to its host");
}

export const hostDevices: PreflightCheck = {
  lasts: true,
  judge: ({ source, definitions, demands }) => {
    const all = definitions.flatMap(({ devices = [] }) => devices);
    const devices = [...new Map(all.map((each) => [`${each.kind} ${each.what}`, each])).values()];
    return deviceCheck(source.name, { devices }, demands.movesMemory);
  },
};
