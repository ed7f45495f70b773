/**
 * Errors nobody caught in a shard's thread: a forgotten promise, a timer's callback, an event without a
 * listener. An author's costs a line in the log; one of our own ends the thread, because its files are in an
 * unknown state then.
 */
import { currentTurn } from './agent/index.ts';
import { BridgeError, type ErrorCode } from './base/errors.ts';
import type { Log } from './base/log.ts';

/** Whoever meets one of these: the shard cannot go on. */
const OURS: ReadonlySet<ErrorCode> = new Set([
  'BRG_STORE',
  'BRG_DISK_FULL',
  'BRG_INTERNAL',
  'BRG_DATA_DIR',
] as const);

const OWN = new URL('.', import.meta.url).href;

/** Reports an author's error. False: it is none. Called in the asynchronous flow that failed. */
export function reportStray(error: unknown, event: string, log: Log): boolean {
  if (error instanceof BridgeError && OURS.has(error.code)) return false;
  const turn = currentTurn();
  if (turn === undefined && !isOutside(error)) return false;
  // It was restarted because it hung, and has been reported.
  if (error instanceof BridgeError && error.code === 'BRG_AGENT_RESTARTED') return true;
  const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.error({ agent: turn?.key ?? 'unknown', err }, event);
  return true;
}

/** No agent's flow, but thrown by a module that is not ours: a timer begun while it was loaded. */
function isOutside(error: unknown): boolean {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const thrown = stack.split('\n').find((line) => /^\s+at .*file:/.test(line));
  return thrown !== undefined && !stack.includes(OWN) && !thrown.includes('/node_modules/');
}
