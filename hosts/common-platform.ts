import type { HostFacts } from "./facts.ts";

/** The platform that guests of these hosts can have wherever they go. */
export interface Platform {
  accelerator: "kvm" | "tcg";
  machine: string;
}

/** Throws when the hosts know no machine type in common. */
export function commonPlatform(
  hosts: readonly Pick<HostFacts, "accelerator" | "machines" | "qemu">[],
): Platform {
  const [first, ...others] = hosts;
  // Newest first.
  const machine = first?.machines.find((type) => others.every(({ machines }) => machines.includes(type)));
  if (!machine) {
    const versions = hosts.map(({ qemu }) => qemu).join(", ");
    throw new Error(
      `The hosts' QEMUs (${versions}) know no pc-q35 machine type in common, so that no guest could move between them. Bring them to versions that are closer together.`,
    );
  }
  return { accelerator: hosts.every(({ accelerator }) => accelerator === "kvm") ? "kvm" : "tcg", machine };
}
