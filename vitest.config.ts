import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type ProjectConfig, type TestSpecification } from "vitest/node";

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

/**
 * A project that is there when its variable is set, as its command does: `npm run test:NAME`.
 *
 * @param variable default: `TEST_` and the name
 */
function onDemand(
  name: string,
  { variable = `TEST_${name.toUpperCase()}`, ...options }: ProjectConfig & { variable?: string } = {},
): { test: ProjectConfig }[] {
  if (process.env[variable] === undefined) return [];
  const usual = {
    sequence: { groupOrder: 3 },
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 900_000,
  };
  return [{ test: { name, include: [`test/${name}/**/*.test.ts`], ...usual, ...options } }];
}

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
      ...onDemand("policies"), // Policies, and hosts that are switched off or lost.
      ...onDemand("guests", { fileParallelism: true, maxWorkers: 2 }), // Images, and guests with more than memory, CPUs and a disk.
      ...onDemand("programs"), // The other programs of examples/, each on a lab of its own.
      ...onDemand("versions"), // Hosts of two releases of Debian.
      ...onDemand("faults"), // Moves that are struck by faults.
      // The same on machines of one's own, when there are some.
      ...onDemand("metal", {
        variable: "METAL_INVENTORY",
        fileParallelism: true,
        sequence: { groupOrder: 4 },
        testTimeout: 3_600_000,
        hookTimeout: 3_600_000,
      }),
    ],
  },
});
