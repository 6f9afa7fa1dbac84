import type * as pulumi from "@pulumi/pulumi";
import { intentDirectoryOf } from "../fleet/fleet.ts";
import type { SwitchCommands } from "../fleet/switch-host.ts";
import type { HostPlan, HostPowerPlan, Plan } from "../stacks/plan.ts";
import { projectFile } from "./files.ts";
import { HostPower } from "./host-power.ts";
import { type LabHostArgs, labEnvironment } from "./lab-host.ts";

/** A host that is switched, as it is planned; nothing where it is not. */
export interface SwitchedHost extends HostPlan {
  power: HostPowerPlan;
}

export const isSwitched = (machine: object): machine is SwitchedHost =>
  "power" in machine && machine.power !== undefined;

/**
 * What switches a host.
 *
 * @param lab how its container is made, if it is one
 */
export function plannedPower(
  { storage, off }: Plan,
  { name, ssh, power }: SwitchedHost,
  lab: (LabHostArgs & { readonly hostName: string }) | undefined,
  opts: pulumi.CustomResourceOptions,
): HostPower {
  const { desired, commands, wakeSeconds } = power;
  const reason = off.find(({ host }) => host === name)?.reason;
  return new HostPower(
    `${name}-power`,
    {
      host: name,
      ssh,
      storage: { ssh: storage.ssh, intentDirectory: intentDirectoryOf(storage.export) },
      desired,
      ...(reason !== undefined && { reason }),
      // On machines of one's own the config's check has seen to both.
      commands: { ...(lab && labCommands()), ...commands } as SwitchCommands,
      ...(lab && { environment: labEnvironment(lab) }),
      wakeSeconds,
    },
    opts,
  );
}

const labCommands = (): SwitchCommands => ({
  off: `bash ${projectFile("lab", "power.sh")} off`,
  on: `bash ${projectFile("lab", "start.sh")}`,
  status: `bash ${projectFile("lab", "power.sh")} status`,
});
