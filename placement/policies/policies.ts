import type { StackPolicy } from "../terms/policy.ts";
import { balancePolicy } from "./balance.ts";
import { consolidatePolicy } from "./consolidate.ts";
import { evacuatePolicy } from "./evacuate.ts";

const known = { pinned: evacuatePolicy, balance: balancePolicy, consolidate: consolidatePolicy };

/** How a stack's config calls a policy. */
export type PolicyKind = keyof typeof known;

/**
 * The policies that a stack can choose. Config, schemas, decisions and commands take them from here. With `pinned`, guests stay where they
 * are placed as long as that can be.
 */
export const policies: Readonly<Record<PolicyKind, StackPolicy>> = known;

/** Of all policies. */
export const policyKinds = Object.keys(policies) as PolicyKind[];
