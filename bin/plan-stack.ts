import { execa } from "execa";
import { type DecisionInputs, decide } from "../placement/decision.ts";
import type { Impossible, Proposal } from "../placement/policy.ts";
import { askMachines } from "../stacks/asking/ask-machines.ts";
import { lookAround } from "../stacks/asking/decide-places.ts";
import { readSshSettings } from "../stacks/asking/ssh-settings.ts";
import { parseStackConfig } from "../stacks/checks/parse.ts";
import { policyOf } from "../stacks/cluster-of.ts";
import { policySection } from "../stacks/config.ts";
import { inputsOf } from "../stacks/deciding/inputs-of.ts";
import { StackConfigError } from "../stacks/mistake.ts";
import { pastOf } from "../stacks/past.ts";
import type { PastResource } from "../stacks/past-resource.ts";
import { planStack } from "../stacks/plan.ts";
import { valuesOf } from "../stacks/values.ts";
import type { PrintedConfig } from "./printed-config.ts";

/** What is asked for otherwise than the stack's config says it. */
export interface WhatIf {
  kind?: DecisionInputs["kind"];
  drain: readonly string[];
  spare: boolean;
  settings: Partial<DecisionInputs["settings"]>;
}

/**
 * What the stack's policy would do now, or another one. Hosts are asked where guests are and what they have, as a preview does it, and nothing
 * is moved, written or kept.
 *
 * @throws StackConfigError, and what OpenSSH or Pulumi say
 */
export async function planOfStack(
  stack: string,
  { kind, drain, spare, settings }: WhatIf,
): Promise<{ inputs: DecisionInputs; outcome: Proposal | Impossible; unseen?: string }> {
  const said = JSON.parse(await pulumi(stack, "config", "--json", "--show-secrets")) as PrintedConfig;
  const texts = Object.fromEntries(Object.entries(said).map(([key, { value = "" }]) => [key, value]));
  const values = valuesOf(texts);
  const config = parseStackConfig(values, stack);
  if (kind !== undefined) {
    // Where all guests are placed since there is no policy, their placements are no pins to one that is tried out.
    if ((config.policy?.kind ?? "pinned") === "pinned") config.placement = {};
    config.policy = { ...(config.policy ?? policySection.parse({})), kind };
  }
  config.drain = [...new Set([...config.drain, ...drain])];
  const policy = policyOf(config) ?? policySection.parse({});
  const exported = JSON.parse(await pulumi(stack, "stack", "export")) as Exported;
  const past = pastOf(exported.deployment.resources ?? []);
  const { settings: ssh, mistakes: unreachable } = await readSshSettings(config);
  const draft = planStack(config, stack, { ssh });
  const machines = await askMachines(draft);
  // One that is off or lost can be asked nothing.
  const leftAlone = [...(past.switched?.off ?? []), ...config.lost].filter((name) =>
    machines.silent.includes(name),
  );
  const mistakes = [...unreachable, ...machines.mistakesOf(leftAlone)];
  if (mistakes.length > 0) throw new StackConfigError(mistakes);
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
  deployment: { resources?: PastResource[] };
}

async function pulumi(stack: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execa("sh", ["bin/pulumi", ...args, "--stack", stack], { stderr: "inherit" });
  return stdout;
}
