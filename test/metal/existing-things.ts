import type { Inventory } from "./inventory.ts";
import type { MetalStack } from "./stack.ts";

// Storage and a network that somebody made on the machines before the testbed came, and that are there when it has gone.

/** On the storage host, and where hosts mount it. */
export const folder = "/srv/testbed-existing";
export const pool = "testbed-existing";
/** A bridge over the VLAN, on each host. */
export const vlanBridge = "testbed-vlan";
const vlanLink = "testbed-tagged";
const exportsFile = "/etc/exports.d/testbed-existing.exports";
/** Addresses for tests of networks (RFC 2544), which nobody else has there. */
const storageAddress = "198.18.10.10/24";
export const guestAddresses = ["198.18.10.101/24", "198.18.10.102/24"];

export interface Place {
  storage: string;
  hosts: readonly string[];
  uplink: string;
  vlan: number;
  /** Where hosts reach the NFS server, and what it lets in. */
  server: string;
  clients: readonly string[];
}

/** @throws what the inventory lacks */
export function placeOf({ storage, hosts, bridge, vlan }: Inventory): Place {
  const { uplink } = bridge;
  if (vlan === undefined || uplink === undefined || uplink === "none")
    throw new Error("the test of what is there already needs the inventory's vlan and bridge.uplink");
  return {
    storage: storage.name,
    hosts: hosts.map(({ name }) => name),
    ...{ uplink, vlan },
    server: storage.nfsAddress ?? (storage.address as string),
    clients: hosts.map(({ address, migrationAddress }) => migrationAddress ?? (address as string)),
  };
}

/** The VLAN is on the uplink, and on a bridge of each host; a folder is exported, has a pool and a file, and is mounted. */
export async function makeExistingThings(stack: MetalStack, place: Place): Promise<void> {
  const { storage, hosts, server, clients } = place;
  const tagged = `ip link add link ${place.uplink} name ${vlanLink} type vlan id ${place.vlan}`;
  const entries = clients.map((client) => `${client}(rw,sync,no_subtree_check,no_root_squash)`);
  await stack.on(
    storage,
    `set -e
${tagged}
ip address add ${storageAddress} dev ${vlanLink}
ip link set ${vlanLink} up
mkdir -p ${folder} /etc/exports.d
echo theirs > ${folder}/theirs
echo '${folder} ${entries.join(" ")}' > ${exportsFile}
exportfs -ra
virsh -q pool-define-as ${pool} dir --target ${folder}
virsh -q pool-autostart ${pool}
virsh -q pool-start ${pool}`,
  );
  await Promise.all(
    hosts.map((host) =>
      stack.on(
        host,
        `set -e
${tagged}
ip link add ${vlanBridge} type bridge
ip link set ${vlanLink} master ${vlanBridge} up
ip link set ${vlanBridge} up
mkdir -p ${folder}
mount -t nfs4 ${server}:${folder} ${folder}`,
      ),
    ),
  );
}

export async function removeExistingThings(stack: MetalStack, { storage, hosts }: Place): Promise<void> {
  await Promise.all(
    hosts.map((host) =>
      stack.on(
        host,
        `! mountpoint -q ${folder} || umount ${folder}
[ ! -d ${folder} ] || rmdir ${folder}
for link in ${vlanBridge} ${vlanLink}; do [ ! -e /sys/class/net/$link ] || ip link delete $link; done`,
      ),
    ),
  );
  await stack.on(
    storage,
    `virsh -q pool-destroy ${pool}
virsh -q pool-undefine ${pool}
rm -rf ${exportsFile} ${folder}
rmdir /etc/exports.d 2>/dev/null
exportfs -ra
[ ! -e /sys/class/net/${vlanLink} ] || ip link delete ${vlanLink}`,
  );
}
