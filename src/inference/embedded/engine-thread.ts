/** Entry of the engine's worker thread: opens the model its `workerData` names, then serves the ports it is handed. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { asBridgeError, assert } from '../../base/errors.ts';
import type { Engine } from './engine.ts';
import { EngineDesk } from './engine-desk.ts';
import type { EngineGuest, EngineNews, EngineRefusal } from './engine-words.ts';

/** Its `workerData`. */
interface EngineThreadData {
  readonly path: string;
  /** URL of the module whose `openEngine` opens it. */
  readonly opener: string;
}

assert(parentPort !== null, 'this module is the entry of a worker thread');
const main = parentPort;
const guests: MessagePort[] = [];
let desk: EngineDesk | undefined;
let refusal: EngineRefusal | undefined;

function say(news: EngineNews): void {
  main.postMessage(news);
}

/** The main thread hears of it first, so that whoever asks again gets another thread. */
function fail(error: unknown): void {
  if (refusal !== undefined) return;
  const { code, message } = asBridgeError(error);
  // What was a bug here is a model that is not there for whoever asks.
  refusal =
    code === 'BRG_INTERNAL'
      ? { kind: 'refused', code: 'BRG_MODEL_UNAVAILABLE', message: 'the engine of the language model failed' }
      : { kind: 'refused', code, message };
  say({ kind: 'failed', code, message });
}

/** The main thread knows that this one is of no use: nobody comes any more. */
function end(): void {
  for (const port of guests) port.postMessage(refusal);
  setImmediate(() => process.exit(1));
}

main.on('message', (said: EngineGuest | 'end') => {
  if (said === 'end') return end();
  const { port } = said;
  guests.push(port);
  port.on('close', () => guests.splice(guests.indexOf(port), 1));
  if (refusal === undefined) desk?.serve(port);
});
process.on('uncaughtException', fail);

/** On Linux a thread has a priority of its own: what devices send comes before what a model thinks of it. */
function stepBack(): void {
  if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
}

async function open(): Promise<void> {
  const { path, opener } = workerData as EngineThreadData; // written by engine-host.ts
  stepBack();
  const { openEngine } = (await import(opener)) as { openEngine: (path: string) => Engine | Promise<Engine> }; // ours
  desk = new EngineDesk(await openEngine(path), {
    elapsedMs: () => performance.now(),
    random: Math.random,
    soon: (callback) => void setImmediate(callback),
    cpuMs: () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1000;
    },
    now: Date.now,
    totals: (totals) => say({ kind: 'totals', totals }),
  });
  for (const port of guests) desk.serve(port);
}

await open().catch(fail);
