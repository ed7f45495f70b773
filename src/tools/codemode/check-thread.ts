/** Entry of the checker's thread: says when it is ready, then one outcome for each program. */
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import type TypeScript from 'typescript';
import { TextChecker, type CheckedText } from './check-text.ts';

/** A text to be checked, by number. */
export interface CheckJob extends CheckedText {
  readonly id: number;
}

// Whoever started this thread has seen that it is there.
const checker = new TextChecker(createRequire(import.meta.url)('typescript') as typeof TypeScript);
// The declarations of the language are parsed and bound with the first program.
checker.check({ typed: 'return [1].map((n) => n + 1)', start: '', env: '{}' });
parentPort?.postMessage('ready');
parentPort?.on('message', ({ id, ...text }: CheckJob) =>
  parentPort?.postMessage({ id, errors: checker.check(text) }),
);
