import { convert } from "xmlbuilder2";
import { parseDomain } from "../libvirt/domain-facts.ts";
import type { DomainSpec } from "../libvirt/domain-xml.ts";

/** What of a guest that has a definition of its own follows its spec. */
export const adaptable = ["memoryMiB", "vcpus"] as const;

/**
 * Reads the definition of a guest as libvirt prints it (`virsh dumpxml --inactive`).
 *
 * @throws when it is a guest that could not be looked after: why, in words that follow "the guest"
 */
export function specOfDefinition(definition: string): DomainSpec {
  const facts = parseDomain(definition);
  const { domain } = convert(definition, { format: "object" }) as { domain?: { [key: string]: unknown } };
  const { name, memoryMiB, vcpus, machine, disks, interfaces } = facts;
  const uuid = domain?.uuid;
  if (!name || typeof uuid !== "string" || !memoryMiB || !vcpus || !machine)
    throw new Error("has no name, UUID, memory, CPUs or machine type in its definition");
  const [system] = disks.filter(({ isReadOnly }) => !isReadOnly);
  if (system?.target !== "vda" || system.path === undefined)
    throw new Error(
      `has ${system ? `${system.target} (${system.path ?? system.other ?? "empty"})` : "nothing"} as its first disk: it must be vda, on virtio, and a file`,
    );
  const [card] = interfaces;
  if (card?.mac === undefined || card.bridge === undefined)
    throw new Error(`has ${card ? `a first network card that is on no bridge` : "no network card"}`);
  return {
    name,
    uuid,
    memoryMiB,
    vcpus,
    accelerator: domain?.["@type"] === "kvm" ? "kvm" : "tcg",
    machine,
    storage: {
      transport: system.server === undefined ? "kernel" : "userspace",
      server: system.server ?? "",
      overlayPath: system.path,
    },
    mac: card.mac.toLowerCase(),
    bridge: card.bridge,
    definition,
  };
}
