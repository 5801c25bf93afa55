import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './test/summary-reporter.ts';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^millrace$/, replacement: source('./src/index.ts') },
      { find: /^millrace\/client$/, replacement: source('./src/client/index.ts') },
      { find: /^millrace\/engine$/, replacement: source('./src/engine/index.ts') },
      // The build that Node itself loads: libraries use that one, and graphql must be there only once.
      { find: /^graphql$/, replacement: source('./node_modules/graphql/index.js') },
    ],
  },
  test: {
    environment: 'node',
    pool: 'forks',
    // Nothing of ours keeps state in modules, so they are loaded once for all files of a worker.
    isolate: false,
    // Much of what they do is to wait: for processes, disks, servers.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    globalSetup: './test/support/postgres-setup.ts',
    reporters: ['default', new SummaryReporter()],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          typecheck: { enabled: true, ignoreSourceErrors: true, include: ['test/**/*.test-d.ts'] },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: ['test/**/*.long.ts'],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
