import * as pulumi from "@pulumi/pulumi";
import { checkImage } from "../images/resolve.ts";
import { askMachines } from "./ask-machines.ts";
import { type Mistake, pathText, StackConfigError } from "./mistake.ts";
import { type Plan, planStack } from "./plan.ts";
import { readStackConfig } from "./read.ts";
import { readSshSettings } from "./ssh-settings.ts";

/**
 * What the stack that this Pulumi program runs for is to be, once its config, its image and its machines were found in order. Nothing
 * is touched: it only reads.
 *
 * @throws pulumi.RunError with all mistakes as its message, which the CLI shows without a stack trace
 */
export async function checkedPlan(stack: string): Promise<Plan> {
  const config = readStackConfig();
  const ssh = await readSshSettings(config);
  if (ssh.mistakes.length > 0) throw new pulumi.RunError(new StackConfigError(ssh.mistakes).message);
  const plan = planStack(config, stack, ssh.settings);
  const [image, machines] = await Promise.all([imageMistakes(plan), askMachines(plan)]);
  const mistakes = [...image, ...machines.mistakes];
  if (mistakes.length > 0) throw new pulumi.RunError(new StackConfigError(mistakes).message);
  const inBoot = <M extends { name: string }>(machine: M) => ({
    ...machine,
    ...(machines.boots[machine.name] && { boot: machines.boots[machine.name] }),
  });
  return { ...plan, storage: inBoot(plan.storage), hosts: plan.hosts.map(inBoot) };
}

async function imageMistakes({ image }: Plan): Promise<Mistake[]> {
  const problems = await checkImage(image.source, image.sha256);
  return problems.map((problem) => ({
    path: pathText(["image"]),
    problem: problem.replace(/\.$/, ""),
    mend: "mend image.source or image.sha256 here, or what they say of the image",
  }));
}
