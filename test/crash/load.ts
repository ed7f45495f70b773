/** What loads of the crash harness have in common. */
import type { RandomStream } from '../../firmware-sim/random.ts';
import type { BridgeAddress } from './bridge.ts';

const REQUEST_MS = 15_000;
const TRIES = 4;

/** Real clients that keep book of what was acknowledged to them, over many lives of one bridge. */
export interface Load {
  readonly name: string;
  /** Acknowledgements so far. */
  readonly acks: number;
  /** Begins, or goes on, with the bridge at this address; never rejects because of a bridge that ends. */
  start(bridge: BridgeAddress): Promise<void>;
  /** The bridge has ended, or is to be left alone: drops all connections. */
  stop(): void;
  /** Sends what is unacknowledged again where that is allowed, makes nothing new, and waits for the end of all. */
  settle(bridge: BridgeAddress): Promise<void>;
  /** What is wrong with what the bridge has now. @param isSettled `settle` was called: nothing may be missing */
  check(bridge: BridgeAddress, isSettled: boolean): Promise<string[]>;
}

export interface LoadSettings {
  readonly random: RandomStream;
}

/** The JSON answer of a route; undefined when the bridge ended meanwhile, or refused. */
export async function ask(
  bridge: BridgeAddress,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  try {
    return await request(bridge, method, path, body);
  } catch {
    return undefined;
  }
}

/** The answer of a route that must answer. */
export async function asked(
  bridge: BridgeAddress,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  for (let left = TRIES; ; left--) {
    try {
      return await request(bridge, method, path, body);
    } catch (error) {
      if (left === 1) throw new Error(`${method} ${path}: ${String(error)}`, { cause: error });
    }
    // After a restart an agent may be busy for a moment.
    await pause(500);
  }
}

async function request(
  { httpUrl }: BridgeAddress,
  method: string,
  path: string,
  body: unknown,
): Promise<unknown> {
  const init =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const signal = AbortSignal.timeout(REQUEST_MS);
  const response = await fetch(`${httpUrl}${path}`, { method, signal, ...init });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status} ${text}`);
  return JSON.parse(text);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}

/** Polls until it is so; false at the deadline. */
export async function within(
  deadlineMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const giveUpMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > giveUpMs) return false;
    await pause(20);
  }
  return true;
}
