import { join } from "node:path";
import { quote } from "../../ssh/quote.ts";
import { absolute } from "../../stacks/files.ts";
import type { TestProject } from "../lab/project.ts";
import { sshArguments, TestStack, unknownHost } from "../lab/stack.ts";
import type { Inventory } from "./inventory.ts";

/** The names and addresses of the guests. */
export const guestsOf = ({ guests }: Inventory): [string, string][] =>
  guests.addresses.map((cidr, i) => [`vm${i + 1}`, cidr]);

/** A stack on the machines of an inventory. */
export class MetalStack extends TestStack {
  readonly machines: readonly string[];

  constructor(project: TestProject, name: string, inventory: Inventory) {
    const { storage, hosts, ssh, bridge, image, guests } = inventory;
    const machines = new Map([storage, ...hosts].map((machine) => [machine.name, machine]));
    const folder = project.path(".testbed", name);
    const options = {
      BatchMode: "yes",
      ConnectTimeout: "10",
      LogLevel: "ERROR",
      // A machine that loses its power does not say so.
      ServerAliveInterval: "5",
    };
    const toHost = (host: string): string[] => {
      const { address = "", port = 22, user = "root" } = machines.get(host) as (typeof hosts)[number];
      return [
        ...sshArguments({
          ...options,
          ...(ssh.knownHosts === "accept-new" && { UserKnownHostsFile: `${folder}/known_hosts` }),
          ...(ssh.privateKeyFile && {
            IdentitiesOnly: "yes",
            IdentityFile: absolute(ssh.privateKeyFile),
          }),
        }),
        ...["-p", String(port), "-l", user, address],
      ];
    };
    const asRoot = (host: string, command: string) =>
      (machines.get(host)?.user ?? "root") === "root" ? command : `sudo -n bash -c ${quote(command)}`;
    const through = ["ssh", ...toHost(storage.name)];
    super(
      project,
      name,
      {
        storage,
        hosts,
        ssh,
        bridge,
        image,
        guests: guestsOf(inventory).map(([guest, address]) => ({
          name: guest,
          address,
          memoryMiB: guests.memoryMiB,
          vcpus: guests.vcpus,
          diskGiB: 3,
          ...(guest === "vm1" && { workload: { type: "disk" as const, mibPerSecond: 0.05 } }),
        })),
        placement: Object.fromEntries(
          guestsOf(inventory).map(([guest], i) => [guest, (hosts[i] as (typeof hosts)[number]).name]),
        ),
        migration: { mode: "live", maxDowntimeMs: 2000 },
      },
      {
        host: (host, command) => [...toHost(host), asRoot(host, command)],
        guest: (guest, command) => [
          ...sshArguments({
            ...options,
            ...unknownHost,
            IdentitiesOnly: "yes",
            IdentityFile: join(folder, "id_ed25519"),
            ProxyCommand: `${through.map((word) => `'${word}'`).join(" ")} -W %h:%p`,
          }),
          `debian@${new Map(guestsOf(inventory)).get(guest)?.split("/")[0]}`,
          command,
        ],
      },
    );
    this.machines = [...machines.keys()];
  }

  /** Destroys what a failed test left. Throws how that can be done later: its state must stay for that. */
  async destroyRest(): Promise<void> {
    const { exitCode, text } = await this.destroy();
    if (exitCode === 0) return;
    throw new Error(
      `${text}\nThe machines still have parts of the testbed. Fix what is wrong, and then:\n  cd ${this.project.folder} && sh bin/pulumi destroy --stack ${this.name}`,
    );
  }
}
