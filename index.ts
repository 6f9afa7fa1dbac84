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

/** What is known of each host. */
export const hosts = testbed.hosts;
/** What each guest is and where it runs. */
export const guests = testbed.guests;
/** How each guest moved last, and how often. */
export const migrations = testbed.migrations;
/** What the stack's policy decided. Absent: it has none. */
export const policy = testbed.policy;
/** Where its report is, and what makes it. */
export const report = reportLink(stack);
