import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * Closes a test run with one line that a machine can read, such as
 * `12 passed, 0 failed`. A file that could not be loaded and an error that no
 * test caught count as one failure each; skipped tests are not counted.
 */
export class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        if (state === 'failed') failed += 1;
      }
    }
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
  }
}
