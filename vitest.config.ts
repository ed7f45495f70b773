import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/support/build-dashboard.ts',
    exclude: ['test/bench/**', 'node_modules/**'],
    // Processes, not threads: tests start worker threads and native modules of their own, and a crash
    // of one file leaves the others alone.
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
