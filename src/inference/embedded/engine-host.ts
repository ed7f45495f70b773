/**
 * The engines of a process, from its main thread: one thread for each model file, started with the first question and
 * again with the next one after it has ended. The main thread hands ports on and sees no question.
 */
import { Worker, type MessagePort } from 'node:worker_threads';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import type { EngineGuest, EngineNews, EngineRefusal } from './engine-words.ts';

interface EngineThread {
  readonly worker: Worker;
  readonly exited: Promise<void>;
  totals: Readonly<Record<string, number>>;
}

export interface EngineHostOptions {
  /** URL of a module with another `openEngine`. */
  readonly opener?: URL;
  /** Models at a time. */
  readonly threadsMax?: number;
  readonly log?: Log | undefined;
}

/** The module of this name beside this one, as source or as built. */
function sibling(name: string): URL {
  return new URL(`./${name}.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
}

export class EngineHost {
  readonly #opener: URL;
  readonly #threadsMax: number;
  readonly #log: Log | undefined;
  readonly #threads = new Map<string, EngineThread>();
  /** Of threads that have ended: counters do not fall. */
  readonly #past: Record<string, number> = {};
  #isClosed = false;

  constructor({
    opener = sibling('open-engine'),
    threadsMax = limits.enginesMax,
    log,
  }: EngineHostOptions = {}) {
    this.#opener = opener;
    this.#threadsMax = threadsMax;
    this.#log = log;
  }

  /** Threads that run. */
  get threads(): number {
    return this.#threads.size;
  }

  /** Hands `port` to the thread of the model at `path`, an EngineGate. Never throws: the port says what is wrong. */
  readonly connect = (path: string, port: MessagePort): void => {
    const known = this.#threads.get(path);
    if (known === undefined && (this.#isClosed || this.#threads.size >= this.#threadsMax)) {
      const why = this.#isClosed
        ? new BridgeError('BRG_STOPPING', 'the bridge is stopping')
        : new BridgeError('BRG_MODEL_SPEC', `more than ${this.#threadsMax} model files at a time`);
      port.postMessage({ kind: 'refused', code: why.code, message: why.message } satisfies EngineRefusal);
      port.close();
      return;
    }
    const { worker } = known ?? this.#start(path);
    worker.postMessage({ port } satisfies EngineGuest, [port]);
  };

  /** Adds what the engines told last: numbers that grow, and gauges of those that run. */
  addTo(totals: Record<string, number>): void {
    const add = (numbers: Readonly<Record<string, number>>): void => {
      for (const [name, value] of Object.entries(numbers)) totals[name] = (totals[name] ?? 0) + value;
    };
    add(this.#past);
    for (const thread of this.#threads.values()) add(thread.totals);
    totals.engineThreads = this.#threads.size;
  }

  /** Ends the threads; who still asks is told. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const threads = [...this.#threads.values()];
    await Promise.all(threads.map(({ worker }) => worker.terminate().catch(() => undefined)));
    await Promise.all(threads.map(({ exited }) => exited));
  }

  #start(path: string): EngineThread {
    const worker = new Worker(sibling('engine-thread'), {
      workerData: { path, opener: this.#opener.href },
      name: 'engine',
    });
    // Who waits for an answer keeps the process alive, not the thread.
    worker.unref();
    const exited = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        if (this.#threads.get(path) === thread) this.#threads.delete(path);
        this.#keep(thread.totals);
        if (!this.#isClosed) this.#log?.error({ model: path, code }, 'the engine of a language model ended');
        resolve();
      });
    });
    const thread: EngineThread = { worker, exited, totals: {} };
    worker.on('message', (news: EngineNews) => {
      if (news.kind === 'totals') thread.totals = news.totals;
      // The next question starts another one: the file may be another by then.
      else if (this.#threads.get(path) === thread) {
        this.#threads.delete(path);
        worker.postMessage('end');
        this.#log?.error({ model: path, code: news.code, err: news.message }, 'language model failed');
      }
    });
    worker.on('error', (error) => this.#log?.error({ model: path, err: error.message }, 'engine failed'));
    this.#threads.set(path, thread);
    return thread;
  }

  #keep(totals: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(totals))
      if (!GAUGES.has(name)) this.#past[name] = (this.#past[name] ?? 0) + value;
  }
}

/** What is 0 when no thread runs. */
const GAUGES = new Set([
  'engineBlocks',
  'engineBlocksUsed',
  'engineBlocksCached',
  'engineRunning',
  'engineWaiting',
  'engineKvBytes',
]);
