import * as pulumi from "@pulumi/pulumi";
import { type Mistake, StackConfigError, withoutNamespace } from "../mistake.ts";
import type { Plan } from "../plan.ts";
import { planOf } from "./checked-plan.ts";
import { checkedConfig } from "./read.ts";

/** What is wrong in a config that was given as data: paths are as in there. */
export class TestbedConfigError extends pulumi.RunError {
  readonly mistakes: readonly Mistake[];

  constructor(testbed: string, mistakes: readonly Mistake[]) {
    const own = mistakes.map(({ path, problem, fix }) => ({
      path: path === "testbed" ? "" : withoutNamespace(path),
      problem: withoutNamespace(problem),
      fix: withoutNamespace(fix),
    }));
    const count = own.length === 1 ? "a mistake" : `${own.length} mistakes`;
    const lines = own.map(({ path, problem, fix }) => `  ${path && `${path}: `}${problem}; ${fix}`);
    super([`The config of testbed ${testbed} has ${count}; nothing was touched:`, ...lines].join("\n"));
    this.mistakes = own;
  }
}

/**
 * What the testbed of a config that is given as data is to be, checked as a stack's config is. Nothing is touched: it only reads.
 *
 * @param data may hold outputs, secret ones too, whose values are known
 * @throws TestbedConfigError with all mistakes
 */
export async function planOfData(testbed: string, data: pulumi.Input<unknown>): Promise<Plan> {
  const stack = pulumi.getStack();
  try {
    return await planOf(checkedConfig(await knownValue(data), stack), stack, testbed);
  } catch (error) {
    throw error instanceof StackConfigError ? new TestbedConfigError(testbed, error.mistakes) : error;
  }
}

/** Its secrets are made secret again where a resource gets them. */
async function knownValue(data: pulumi.Input<unknown>): Promise<unknown> {
  // Both are Pulumi's own, which its types leave out.
  const output = pulumi.output(data) as unknown as { isKnown: Promise<boolean>; promise(): Promise<unknown> };
  if (await output.isKnown) return output.promise();
  throw new StackConfigError([
    {
      path: "testbed",
      problem: "something in it comes from a resource that is not made yet",
      fix: "give values that are known before an update: they decide what is made at all",
    },
  ]);
}
