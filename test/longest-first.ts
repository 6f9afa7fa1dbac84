import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Minutes that files take by themselves, of those that keep a machine busy for long: two labs at a time are then done at about the same time. */
const minutes: Readonly<Record<string, number>> = {
  "testbed.test.ts": 8,
  "accidents.test.ts": 6,
  "experiment.test.ts": 5,
  "provider.test.ts": 2,
  "hosts.test.ts": 1.5,
};

/** Begins with what takes longest. Vitest itself does so only where it has run before, and takes the longest text first elsewhere. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files);
    const timeOf = ({ moduleId }: TestSpecification) => minutes[basename(moduleId)] ?? 0;
    return usual.toSorted((one, other) => timeOf(other) - timeOf(one));
  }
}
