/** Where the broker's sessions are kept: in `sessions.db`, written by a thread of its own, or by this one for tests. */
import { Worker } from 'node:worker_threads';
import { assert, BridgeError } from './base/errors.ts';
import type { SessionChanges, SessionStore } from './base/session-rows.ts';
import { loadSessions, SessionDatabase } from './store/index.ts';
import { sibling } from './shard-links.ts';
import type { SessionAnswer, SessionOrder } from './session-thread.ts';

/** An fsync holds up its own thread only. The thread begins with the first commit: most bridges have no sessions. */
export function threadSessionStore(dataDir: string): SessionStore {
  return new ThreadStore(dataDir);
}

class ThreadStore implements SessionStore {
  readonly #dataDir: string;
  #worker: Worker | undefined;
  #commit: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  load(): ReturnType<SessionStore['load']> {
    return loadSessions(this.#dataDir);
  }

  write(changes: SessionChanges): Promise<void> {
    assert(this.#commit === undefined, 'one commit at a time');
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#commit = Promise.withResolvers();
    this.#order((this.#worker ??= this.#start()), changes);
    return this.#commit.promise;
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined || this.#failure !== undefined) return;
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#order(worker, null);
    await exited;
  }

  #order(worker: Worker, order: SessionOrder): void {
    worker.postMessage(order);
  }

  #start(): Worker {
    const worker = new Worker(sibling('session-thread'), { workerData: { dataDir: this.#dataDir } });
    worker.on('message', (answer: SessionAnswer) => {
      const commit = this.#commit;
      this.#commit = undefined;
      if (answer === null) commit?.resolve();
      else commit?.reject(new BridgeError(answer.code, answer.message));
    });
    const failed = (error: Error): void => {
      this.#failure ??= error;
      this.#commit?.reject(this.#failure);
      this.#commit = undefined;
    };
    worker.on('error', failed);
    worker.on('exit', (code) =>
      failed(new BridgeError('BRG_STORE', `the thread of sessions.db ended with code ${code}`)),
    );
    return worker;
  }
}

/** Everything in this thread. */
export function inlineSessionStore(dataDir: string): SessionStore {
  let database: SessionDatabase | undefined;
  return {
    load: () => loadSessions(dataDir),
    write: async (changes) => {
      await Promise.resolve(); // as from a thread: nobody is called from within its own call
      (database ??= new SessionDatabase(dataDir)).write(changes);
    },
    close: () => Promise.resolve(database?.close()),
  };
}
