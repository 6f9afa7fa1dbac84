// First: what follows loads the SDK.
import "./components/lean-sdk.ts";
// Next: what follows takes its time.
import "./components/early-providers.ts";
import * as pulumi from "@pulumi/pulumi";

const [{ Testbed }, { reportLink }, { checkedPlan }] = await Promise.all([
  import("./components/testbed.ts"),
  import("./report/link.ts"),
  import("./stacks/asking/checked-plan.ts"),
]);

// All that a stack's config says is checked before anything is declared.
const stack = pulumi.getStack();
const testbed = new Testbed(stack, await checkedPlan(stack));

export default {
  /** What is known of each host. */
  hosts: testbed.hosts,
  /** What each guest is and where it runs. */
  guests: testbed.guests,
  /** How each guest moved last, and how often. */
  migrations: testbed.migrations,
  /** What the stack's policy decided, if it has one. */
  ...(testbed.policy && { policy: testbed.policy }),
  /** Where its report is, and what makes it. */
  report: reportLink(stack),
};
