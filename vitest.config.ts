import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      // Pure logic and components under Pulumi's mocks: no host, no network, seconds.
      { test: { name: "unit", include: ["test/unit/**/*.test.ts", "test/component/**/*.test.ts"] } },
      // The real thing, one file after the other: they share the machine's hosts.
      {
        test: {
          name: "lab",
          include: ["test/lab/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
