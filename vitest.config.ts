import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const ROOMS = 'actor agent base broker client device gateway identity properties simulate store wire';

/**
 * Tests that leave nothing behind in their process: their files share those of the workers, and what they import is
 * loaded once for all of them instead of once for each, which took a sixth of the whole run.
 * The others note things in globals, end processes, or measure time: each of their files has a process of its own.
 */
const SHARING = [
  ...ROOMS.split(' ').map((room) => `test/${room}/**/!(lifecycle|observability|programs).test.ts`),
  'test/*.test.ts',
];

const common = {
  globalSetup: 'test/support/build-dashboard.ts',
  // Processes, not threads: tests start worker threads and native modules of their own, and a crash
  // of one file leaves the others alone.
  pool: 'forks',
  testTimeout: 45_000,
  hookTimeout: 45_000,
} as const;

export default defineConfig({
  test: {
    // One more than cores was measured: 557 s instead of 544 s, and more CPU.
    maxWorkers: availableParallelism(),
    projects: [
      { test: { ...common, name: 'sharing', isolate: false, include: SHARING } },
      {
        test: {
          ...common,
          name: 'alone',
          include: ['test/**/*.test.ts'],
          exclude: [...SHARING, 'test/bench/**', 'node_modules/**'],
        },
      },
    ],
  },
});
