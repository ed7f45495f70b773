/** Runs the suite that aedes-persistence has for its implementations, as tests of ours. */
import assert from 'node:assert';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import type { SessionPersistence } from '../../../src/broker/sessions/index.ts';

/** What its tests use of the context that node:test gives them. */
interface SuiteContext {
  plan(count: number): void;
  diagnostic(text: string): void;
  readonly assert: Record<'equal' | 'deepEqual' | 'notEqual' | 'ok', (...parts: unknown[]) => void>;
}

type SuiteTest = (name: string, run: (context: SuiteContext) => Promise<void>) => void;
type Suite = (options: {
  test: SuiteTest;
  persistence: () => Promise<SessionPersistence>;
  testAsync: true;
}) => void;

const fromHere = createRequire(import.meta.url);
/** It comes with aedes, which says where. */
const fromAedes = createRequire(fromHere.resolve('aedes'));

/** Defines its tests; each counts its assertions, as `plan` says. Answers how many there are. */
export function aedesSuite(persistence: () => Promise<SessionPersistence>): number {
  const suite = fromAedes('aedes-persistence/abstract.js') as Suite; // it has no declarations
  let tests = 0;
  const define: SuiteTest = (name, run) => {
    tests += 1;
    test(name, async () => {
      const planned: number[] = [];
      let made = 0;
      const counting =
        (check: (...parts: never[]) => void) =>
        (...parts: unknown[]): void => {
          made += 1;
          check(...(parts as never[]));
        };
      await run({
        plan: (count) => void planned.push(count),
        diagnostic: () => undefined,
        // The loose ones, as node:test has them.
        assert: {
          equal: counting(assert.equal),
          deepEqual: counting(assert.deepEqual),
          notEqual: counting(assert.notEqual),
          ok: counting(assert.ok),
        },
      });
      for (const count of planned) expect(made).toBe(count);
    });
  };
  suite({ test: define, persistence, testAsync: true });
  return tests;
}
