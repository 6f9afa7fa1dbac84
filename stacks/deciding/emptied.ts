import type { PlacementDecision } from "../../placement/decision.ts";
import { type PolicyKind, policies, policyKinds } from "../../placement/policies/policies.ts";
import type { StackConfig } from "../config.ts";
import type { HostOff } from "../plan.ts";

/** What is said of such a host, and kept in the states of stacks. */
const reasonOf = (kind: PolicyKind): string => `policy ${kind} leaves it without guests`;

/** Whether a host is off since a policy had left it without guests. */
export const isEmptied = (reason: string | undefined): boolean =>
  policyKinds.some((kind) => reason === reasonOf(kind));

/**
 * Hosts that a policy leaves without guests which empties them, and that can be switched off and on again: by their own commands, or as a lab's containers.
 * As many stay on as are to, those first that are on now.
 *
 * @param areOff hosts that are off already
 */
export function emptiedBy(
  { inputs, outcome }: Pick<PlacementDecision, "inputs" | "outcome">,
  { hosts, lab }: Pick<StackConfig, "hosts" | "lab">,
  areOff: readonly string[],
): HostOff[] {
  if (!policies[inputs.kind].emptiesHosts || !outcome.isFeasible) return [];
  const inUse = new Set(Object.values(outcome.places).map(({ host }) => host));
  const isSwitchable = ({ power }: StackConfig["hosts"][number]) =>
    lab !== undefined || (power?.off !== undefined && power.on !== undefined);
  const empty = hosts.filter((host) => !inUse.has(host.name));
  // A drained host is somebody's at work, and a lost one nobody's to switch.
  const open = empty.filter(({ name }) => !isClosed(inputs, name));
  const mayGo = open.filter((host) => isSwitchable(host) && inputs.hostRests[host.name]?.state !== "on");
  const stayOn = inUse.size + open.length - mayGo.length;
  const spare = Math.max(0, inputs.settings.keepOn - stayOn);
  const goFirst = [
    ...mayGo.filter(({ name }) => areOff.includes(name)),
    ...mayGo.filter(({ name }) => !areOff.includes(name)),
  ];
  return goFirst
    .slice(0, Math.max(0, mayGo.length - spare))
    .map(({ name }) => ({ host: name, reason: reasonOf(inputs.kind) }));
}

const isClosed = ({ cluster }: PlacementDecision["inputs"], name: string): boolean =>
  cluster.hosts.some((host) => host.name === name && host.isDrained);
