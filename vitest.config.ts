import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const runs = [
  "test/lab/offline-*.test.ts",
  "test/lab/key-generation.test.ts",
  "test/lab/locks.test.ts",
  "test/lab/package.test.ts",
  "test/lab/refusals.test.ts",
];

const mocked = ["test/unit/**/*.mocked.test.ts"];

/** Vitest by itself leaves one CPU idle, which on a machine with two is half of it. */
const allCpus = { maxWorkers: "100%" };
/** What waits more than it works. */
const waiting = { maxWorkers: 3 };

/** Minutes of the files that keep a machine busy for long: two labs at a time are done at about the same time, if the longest begins. */
const minutes: Readonly<Record<string, number>> = {
  "testbed.test.ts": 8,
  "accidents.test.ts": 6,
  "experiment.test.ts": 5,
  "provider.test.ts": 2,
  "hosts.test.ts": 2,
};

/** Vitest itself knows what takes long only where it has run before, and takes the longest text first elsewhere. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    const timeOf = ({ moduleId }: TestSpecification) => minutes[basename(moduleId)] ?? 0;
    return usual.toSorted((one, other) => timeOf(other) - timeOf(one));
  }
}

export default defineConfig({
  test: {
    // A line for each test as it ends; the last one has the counts alone, for people who run the tests.
    reporters: ["verbose", "./test/closing-line.ts"],
    sequence: { sequencer: LongestFirst },
    projects: [
      // Pure logic: no process, no host, no network. It leaves nothing behind, so a process runs many files, and loads what they share once.
      {
        test: {
          name: "unit",
          ...allCpus,
          isolate: false,
          include: ["test/unit/**/*.test.ts"],
          exclude: mocked,
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
        },
      },
      // Components under Pulumi's mocks, and logic whose modules are replaced: each file in a process of its own.
      {
        test: {
          name: "mocked",
          ...allCpus,
          include: ["test/component/**/*.test.ts", ...mocked],
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
        },
      },
      // Scripts and programs, each run for real in a place of its own on this machine: shells, files, locks, an SSH server.
      {
        test: {
          name: "integration",
          ...allCpus,
          include: ["test/integration/**/*.test.ts"],
          sequence: { groupOrder: 0 },
          testTimeout: 60_000,
        },
      },
      // The engine on a simulated fleet, which dies, is refused or is meddled with at each of its steps: minutes of work.
      {
        test: {
          name: "crashes",
          ...allCpus,
          include: ["test/crashes/**/*.test.ts"],
          sequence: { groupOrder: 0 },
          // A machine that has other things to do needs its time for a run that dies at each of its steps.
          testTimeout: 120_000,
        },
      },
      // Real runs of Pulumi without a lab: they wait more than they work.
      {
        test: {
          name: "runs",
          ...waiting,
          include: runs,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      // The report's page in a real browser.
      {
        test: {
          name: "report",
          ...waiting,
          include: ["test/report/**/*.test.ts"],
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // The real thing, two labs at a time, each on a network of its own: they keep two CPUs busy.
      {
        test: {
          name: "lab",
          maxWorkers: 2,
          include: ["test/lab/**/*.test.ts"],
          exclude: runs,
          sequence: { groupOrder: 2 },
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
      // Policies, and hosts that are switched off or lost: npm run test:policies.
      ...(process.env.TEST_POLICIES === undefined
        ? []
        : [
            {
              test: {
                name: "policies",
                include: ["test/policies/**/*.test.ts"],
                sequence: { groupOrder: 3 },
                fileParallelism: false,
                testTimeout: 900_000,
                hookTimeout: 900_000,
              },
            },
          ]),
      // Images, and guests with more than memory, CPUs and a disk: npm run test:guests.
      ...(process.env.TEST_GUESTS === undefined
        ? []
        : [
            {
              test: {
                name: "guests",
                maxWorkers: 2,
                include: ["test/guests/**/*.test.ts"],
                sequence: { groupOrder: 3 },
                testTimeout: 900_000,
                hookTimeout: 900_000,
              },
            },
          ]),
      // The other programs of examples/, each on a lab of its own: npm run test:programs.
      ...(process.env.TEST_PROGRAMS === undefined
        ? []
        : [
            {
              test: {
                name: "programs",
                include: ["test/programs/**/*.test.ts"],
                sequence: { groupOrder: 3 },
                fileParallelism: false,
                testTimeout: 900_000,
                hookTimeout: 900_000,
              },
            },
          ]),
      // Hosts of two releases of Debian: npm run test:versions.
      ...(process.env.TEST_VERSIONS === undefined
        ? []
        : [
            {
              test: {
                name: "versions",
                include: ["test/versions/**/*.test.ts"],
                sequence: { groupOrder: 3 },
                fileParallelism: false,
                testTimeout: 900_000,
                hookTimeout: 900_000,
              },
            },
          ]),
      // Moves that are struck by faults: npm run test:faults.
      ...(process.env.TEST_FAULTS === undefined
        ? []
        : [
            {
              test: {
                name: "faults",
                include: ["test/faults/**/*.test.ts"],
                sequence: { groupOrder: 3 },
                fileParallelism: false,
                testTimeout: 900_000,
                hookTimeout: 900_000,
              },
            },
          ]),
      // The same on machines of one's own, when there are some: npm run test:metal.
      ...(process.env.METAL_INVENTORY === undefined
        ? []
        : [
            {
              test: {
                name: "metal",
                include: ["test/metal/**/*.test.ts"],
                sequence: { groupOrder: 4 },
                testTimeout: 3_600_000,
                hookTimeout: 3_600_000,
              },
            },
          ]),
    ],
  },
});
