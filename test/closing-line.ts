// A Vitest reporter that adds one line, the last of the run: how many tests passed, failed and were skipped.
import type { Reporter, TestModule } from "vitest/node";

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length; // a file that could not be loaded has no tests to fail
      for (const test of module.children.allTests()) counts[test.result().state]++;
    }
    const skipped = counts.skipped + counts.pending;
    // At the very end, after what other reporters have to say.
    process.once("exit", () =>
      console.log(`${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped`),
    );
  }
}
