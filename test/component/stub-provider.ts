import type * as pulumi from "@pulumi/pulumi";

// Stands in for components/engine-provider.ts: vitest's module runner rewrites imports, and Pulumi cannot serialise what is left.
//   vi.mock("../../components/engine-provider.ts", () => import("./stub-provider.ts"));
// The real one is tested in plain Node, in test/unit/components/serialised-provider.test.ts.

/** Which of the engine's resources a provider was made for. */
export const providers: string[] = [];

export function engineProvider(resource: string): pulumi.dynamic.ResourceProvider {
  providers.push(resource);
  return { create: async () => ({ id: "never called by mocks" }) };
}
