import type { DomainFacts } from "../../../libvirt/domain-facts.ts";
import { type Check, failed, passed } from "./check.ts";
import type { Files } from "./disks.ts";
import type { PreflightCheck } from "./evidence.ts";

/** Firmware or a kernel, and UEFI variables if its memory stays behind. */
function firmwareCheck(
  destination: string,
  there: Files,
  { firmware = [], nvram }: DomainFacts,
  movesMemory: boolean,
): Check[] {
  const needed = [...firmware, ...(nvram === undefined || movesMemory ? [] : [nvram])];
  if (needed.length === 0) return [];
  const missing = needed.filter((path) => !there[path]);
  return [
    missing.length === 0
      ? passed("firmware", `${destination} has ${needed.join(" and ")}`)
      : failed(
          "firmware",
          `${destination} has no ${missing.join(" and no ")}: install it there (firmware is in the package ovmf), or copy it`,
        ),
  ];
}

/** Its files are among those that are asked about for the disks. */
export const firmware: PreflightCheck = {
  lasts: true,
  judge: ({ destination, atDestination, domain, demands }) =>
    firmwareCheck(destination.name, atDestination.files ?? {}, domain, demands.movesMemory),
};
