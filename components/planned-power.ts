import type * as pulumi from "@pulumi/pulumi";
import { intentDirectoryOf } from "../fleet/fleet.ts";
import type { SwitchCommands } from "../fleet/switch-host.ts";
import type { FencePlan, HostPlan, HostPowerPlan, Plan, SwitchPlan } from "../stacks/plan.ts";
import { type DeclaredWatts, declaredWatts } from "../stacks/watts.ts";
import { Fence } from "./fence.ts";
import { projectFile } from "./files.ts";
import { HostPower } from "./host-power.ts";
import { type LabHostArgs, labEnvironment } from "./lab-host.ts";

type LabArgs = (LabHostArgs & { readonly hostName: string }) | undefined;

/** A host that is switched, as it is planned; nothing where it is not. */
interface SwitchedHost extends HostPlan {
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
  plan: Plan,
  host: SwitchedHost,
  lab: LabArgs,
  opts: pulumi.CustomResourceOptions,
): HostPower {
  const { name, power } = host;
  const reason = plan.off.find((each) => each.host === name)?.reason;
  const { commands, ...args } = switchArgs(plan, host, power, lab);
  const watts = wattsOf(plan);
  return new HostPower(
    `${name}-power`,
    {
      ...args,
      desired: power.desired,
      ...(reason !== undefined && { reason }),
      stack: plan.stack,
      ...(plan.decision && { decision: plan.decision.at }),
      ...(watts && { watts }),
      // On machines of one's own the config's check has seen to both.
      commands: commands as SwitchCommands,
    },
    opts,
  );
}

/** What hosts draw before the stack's policy is carried out and after it, as declared. Undefined: it has none, or that is not known. */
export function wattsOf({ hosts, off, decision }: Plan): DeclaredWatts | undefined {
  if (!decision?.outcome.isFeasible) return undefined;
  const areOff = hosts.filter(({ power }) => power?.isOff).map(({ name }) => name);
  return declaredWatts(
    hosts,
    decision.outcome,
    areOff,
    off.map(({ host }) => host),
  );
}

/** What proves that a lost host can write to no disk. */
export function plannedFence(
  plan: Plan,
  host: HostPlan & { fence: FencePlan },
  lab: LabArgs,
  opts: pulumi.CustomResourceOptions,
): Fence {
  const { address: server, export: folder } = plan.storage;
  const { mountsFrom: client } = host.fence;
  return new Fence(
    `${host.name}-fence`,
    { ...switchArgs(plan, host, host.fence, lab), ...(client && { mounts: { client, server, folder } }) },
    opts,
  );
}

const switchArgs = (
  { storage }: Plan,
  { name, ssh }: HostPlan,
  { commands, wakeSeconds }: SwitchPlan,
  lab: LabArgs,
) => ({
  host: name,
  ssh,
  storage: { ssh: storage.ssh, intentDirectory: intentDirectoryOf(storage.export) },
  commands: { ...(lab && labCommands()), ...commands },
  ...(lab && { environment: labEnvironment(lab) }),
  wakeSeconds,
});

const labCommands = (): SwitchCommands => ({
  off: `bash ${projectFile("lab", "power.sh")} off`,
  on: `bash ${projectFile("lab", "start.sh")}`,
  status: `bash ${projectFile("lab", "power.sh")} status`,
});
