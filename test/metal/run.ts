import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { execa } from "execa";
import { setUp } from "../../report/text/set-up.ts";
import { readInventory } from "./inventory.ts";

const help = `Usage: npm run test:metal -- INVENTORY.yaml

Tries the testbed on machines of your own: brings up a stack with two guests, moves one live, offline and cold, loses a host
and has it back, updates without a change, restarts the machines and brings the testbed back, destroys it, and compares each
machine with how it was found. With reboot: false in the inventory no host is lost, and none restarted.

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
  # accelerator: kvm       # what the hosts are expected to run guests with
  # nfsTransport: kernel
  # reboot: true
  # and image, as in a stack's config (docs/config.md)`;

const [file] = process.argv.slice(2);
if (file === undefined || file.startsWith("-")) {
  console.log(help);
  process.exitCode = file === "--help" ? 0 : 2;
} else if (!existsSync(file)) {
  console.error(`There is no file ${file}. npm run test:metal -- --help says what it is.`);
  process.exitCode = 2;
} else {
  readInventory(file);
  setUp();
  const { exitCode } = await execa("vitest", ["run", "--project", "metal"], {
    preferLocal: true,
    env: { METAL_INVENTORY: resolve(file) },
    stdio: "inherit",
    reject: false,
  });
  process.exitCode = exitCode ?? 1;
}
