import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/build-dashboard.ts',
    exclude: ['test/bench/**', 'node_modules/**'],
    // Processes, not threads: tests start worker threads and native modules of their own, and a crash
    // of one file leaves the others alone.
    pool: 'forks',
    // Tests wait as much as they compute: one worker on two cores leaves a third of both idle.
    maxWorkers: availableParallelism(),
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
