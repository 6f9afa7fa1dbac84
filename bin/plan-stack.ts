import { execa } from "execa";
import { type DecisionInputs, decide } from "../placement/decision.ts";
import type { Impossible, Proposal } from "../placement/terms/policy.ts";
import { askMachines } from "../stacks/asking/ask-machines.ts";
import { lookAround } from "../stacks/asking/decide-places.ts";
import { readSshSettings } from "../stacks/asking/ssh-settings.ts";
import { parseStackConfig } from "../stacks/checks/parse.ts";
import { policyOf } from "../stacks/cluster-of.ts";
import { inputsOf } from "../stacks/deciding/inputs-of.ts";
import { StackConfigError } from "../stacks/mistake.ts";
import { hostsOff } from "../stacks/off-hosts.ts";
import { hostSizes, pastStackOf } from "../stacks/past.ts";
import type { PastResource } from "../stacks/past-resource.ts";
import { planStack } from "../stacks/plan.ts";
import { policySection } from "../stacks/policy-config.ts";
import { valuesOf } from "../stacks/values.ts";
import type { PrintedConfig } from "./printed-config.ts";

/** What is asked for otherwise than the stack's config says it. */
interface WhatIf {
  kind?: DecisionInputs["kind"];
  drain?: readonly string[];
  spare?: boolean;
  settings?: Partial<DecisionInputs["settings"]>;
}

/** A stack's config, and what its state tells. */
export async function readStack(stack: string) {
  const said = JSON.parse(await pulumi(stack, "config", "--json", "--show-secrets")) as PrintedConfig;
  const texts = Object.fromEntries(Object.entries(said).map(([key, { value = "" }]) => [key, value]));
  const config = parseStackConfig(valuesOf(texts), stack);
  const exported = JSON.parse(await pulumi(stack, "stack", "export")) as Exported;
  const { resources = [] } = exported.deployment;
  const sizes = hostSizes(Object.fromEntries(resources.map((resource) => [resource.urn, resource])));
  return { config, past: { ...pastStackOf(resources), sizes } };
}

/** The same and what hosts say, asked for as a preview does it: nothing is written or kept. */
export async function lookAtStack(stack: string) {
  const { config, past } = await readStack(stack);
  const { settings: ssh, mistakes } = await readSshSettings(config);
  if (mistakes.length > 0) throw new StackConfigError(mistakes);
  const draft = planStack(config, stack, { ssh });
  const machines = await askMachines(draft);
  const areOff = hostsOff(past, draft, [], machines.silent);
  const leftAlone = [...areOff, ...config.lost];
  const silent = machines.silent.filter((name) => !leftAlone.includes(name));
  return { config, past, draft, machines, areOff, leftAlone, silent };
}

export type StackLook = Awaited<ReturnType<typeof lookAtStack>>;

/**
 * What the stack's policy would do now, or another one. Nothing is moved, written or kept.
 *
 * @throws StackConfigError when a host that should answer does not, and what OpenSSH or Pulumi say
 */
export async function planOfStack(
  look: StackLook,
  { kind, drain = [], spare = false, settings = {} }: WhatIf = {},
): Promise<{ inputs: DecisionInputs; outcome: Proposal | Impossible; unseen?: string }> {
  const { past, draft, machines, leftAlone } = look;
  const mistakes = machines.mistakesOf(leftAlone);
  if (mistakes.length > 0) throw new StackConfigError(mistakes);
  const config = { ...look.config, drain: [...new Set([...look.config.drain, ...drain])] };
  if (kind !== undefined) {
    // Where all guests are placed since there is no policy, their placements are no pins to one that is tried out.
    if ((config.policy?.kind ?? "pinned") === "pinned") config.placement = {};
    config.policy = { ...(config.policy ?? policySection.parse({})), kind };
  }
  const policy = policyOf(config) ?? policySection.parse({});
  const { unseen, ...found } = await lookAround(config, draft, past, { ...machines, leftAlone });
  const own = inputsOf({ ...config, policy }, policy, draft, past, found);
  const inputs = {
    ...own,
    cluster: { ...own.cluster, ...(spare && { spare: 1 as const }) },
    settings: { ...own.settings, ...settings },
  };
  return { inputs, outcome: decide(inputs), ...(unseen && { unseen }) };
}

interface Exported {
  deployment: { resources?: (PastResource & { urn: string })[] };
}

async function pulumi(stack: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execa("sh", ["bin/pulumi", ...args, "--stack", stack], { stderr: "inherit" });
  return stdout;
}
