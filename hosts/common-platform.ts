import type { HostFacts } from "./facts.ts";

/** The platform that guests of these hosts can have wherever they go. */
interface Platform {
  accelerator: "kvm" | "tcg";
  machine: string;
}

/** What all hosts must have in common, or must not. */
type PlatformFacts = Pick<HostFacts, "accelerator" | "machines" | "qemu" | "uuid"> & { name: string };

/** Throws when the hosts know no machine type in common, or libvirt cannot tell them apart. */
export function commonPlatform(hosts: readonly PlatformFacts[]): Platform {
  refuseTwins(hosts);
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

/** libvirt refuses to migrate to a host with the same UUID: it takes it for itself. */
function refuseTwins(hosts: readonly PlatformFacts[]): void {
  for (const [uuid, twins] of Map.groupBy(hosts, (host) => host.uuid.toLowerCase())) {
    const [first, ...others] = twins.map(({ name }) => name);
    if (others.length === 0) continue;
    throw new Error(
      `libvirt on ${first} and on ${others.join(", ")} has the same host UUID, ${uuid}, so that no guest could move between them: machines made from one image often have it. ` +
        `On ${others.join(" and on ")}, put the line host_uuid = "<what uuidgen prints>" into /etc/libvirt/libvirtd.conf, run \`systemctl restart libvirtd\` (guests go on), and then \`pulumi up --refresh\` here. No guest was touched`,
    );
  }
}
