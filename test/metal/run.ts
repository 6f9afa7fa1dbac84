import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { execa } from "execa";
import { setUp } from "../../report/text/set-up.ts";
import { readInventory } from "./inventory.ts";

/** What is tried, by the file that tries it. */
const tests = new Map([
  ["testbed", "test/metal/metal.test.ts"],
  ["existing", "test/metal/existing.test.ts"],
]);

const help = `Usage: npm run test:metal -- INVENTORY.yaml [testbed|existing]

Tries the testbed on machines of your own. testbed, if nothing is said: brings up a stack with two guests, moves one live, offline and cold, loses a host
and has it back, updates without a change, restarts the machines and brings the testbed back, destroys it, and compares each
machine with how it was found. With reboot: false in the inventory no host is lost, and none restarted.

existing, on machines with libvirt and NFS (as testbed leaves them): makes an export with mounts and a pool, and a VLAN with bridges, and brings
up a stack that uses these as they are. A guest with UEFI moves live, offline and cold. destroy leaves all that was there.

The machines are changed on the way, packages stay. They must not be part of another testbed. The inventory:

  storage: { address: 192.0.2.10, nfsAddress: 198.51.100.10 }
  hosts:
    - { name: host1, address: 192.0.2.11, migrationAddress: 198.51.100.11 }
    - { name: host2, address: 192.0.2.12, migrationAddress: 198.51.100.12 }
  ssh: { privateKeyFile: ~/.ssh/id_ed25519, knownHosts: accept-new }
  bridge: { name: br0, uplink: eno2 }
  guests:
    addresses: [198.51.100.101/24, 198.51.100.102/24]   # free, in the network of the bridge
    memoryMiB: 512
  # vlan: 10               # one that the network carries among the uplinks of all machines: for existing
  # uefi: true             # a guest of existing starts by UEFI
  # accelerator: kvm       # what the hosts are expected to run guests with
  # nfsTransport: kernel
  # reboot: true
  # and image, as in a stack's config (docs/config.md)`;

const [file, name = "testbed"] = process.argv.slice(2);
const test = tests.get(name);
if (file === undefined || file.startsWith("-")) {
  console.log(help);
  process.exitCode = file === "--help" ? 0 : 2;
} else if (test === undefined) {
  console.error(`There is no test ${name}: it is ${[...tests.keys()].join(" or ")}.`);
  process.exitCode = 2;
} else if (!existsSync(file)) {
  console.error(`There is no file ${file}. npm run test:metal -- --help says what it is.`);
  process.exitCode = 2;
} else {
  readInventory(file);
  setUp();
  const { exitCode } = await execa("vitest", ["run", "--project", "metal", test], {
    preferLocal: true,
    env: { METAL_INVENTORY: resolve(file) },
    stdio: "inherit",
    reject: false,
  });
  process.exitCode = exitCode ?? 1;
}
