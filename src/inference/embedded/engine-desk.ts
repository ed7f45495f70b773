/**
 * The engine's thread from within: takes what comes over the ports of those who ask, lets the scheduler make steps as
 * long as there is work, and sends what came of it, many words in one message.
 *
 * I1 Between two steps everything that came is heard: an abort or an alarm waits for one step at most.
 * I2 What a port asked is given up when the port closes: its thread is gone.
 */
import type { MessagePort } from 'node:worker_threads';
import { asBridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { Engine } from './engine.ts';
import { EngineScheduler, type SchedulerEnvironment } from './engine-scheduler.ts';
import type { EngineOrder, EngineWord } from './engine-words.ts';

export interface DeskEnvironment extends SchedulerEnvironment {
  /** Calls `callback` when what came in has been heard. */
  readonly soon: (callback: () => void) => void;
  /** CPU time of this thread so far, ms. */
  readonly cpuMs: () => number;
  /** Wall clock, ms since epoch: the only one two threads share. */
  readonly now: () => number;
  /** Told the numbers, at most every `engineTotalsMs` and when work ends. */
  readonly totals: (totals: Record<string, number>) => void;
}

interface Client {
  readonly port: MessagePort;
  readonly aborts: Map<number, () => void>;
  words: EngineWord[];
}

export class EngineDesk {
  readonly #engine: Engine;
  readonly #scheduler: EngineScheduler;
  readonly #env: DeskEnvironment;
  readonly #clients = new Set<Client>();
  /** Who asked before this waited for the model to be loaded. */
  readonly #openedMs: number;
  #cold = 0;
  #isRunning = false;
  #flushedMs = 0;
  #toldMs = 0;

  constructor(engine: Engine, environment: DeskEnvironment) {
    this.#engine = engine;
    this.#env = environment;
    this.#scheduler = new EngineScheduler(engine, environment);
    this.#openedMs = environment.now();
  }

  /** Serves whoever has the other end of `port`, until it closes. */
  serve(port: MessagePort): void {
    const client: Client = { port, aborts: new Map(), words: [] };
    this.#clients.add(client);
    port.on('message', (order: EngineOrder) => this.#heard(client, order));
    port.on('close', () => {
      this.#clients.delete(client);
      for (const abort of client.aborts.values()) abort();
    });
  }

  #heard(client: Client, order: EngineOrder): void {
    switch (order.kind) {
      case 'ask':
        this.#ask(client, order);
        break;
      case 'abort':
        client.aborts.get(order.id)?.();
        break;
      case 'save':
        this.#save(client, order);
        break;
    }
    if (!this.#isRunning) this.#run();
  }

  #ask(client: Client, { id, request, blob, askedMs }: EngineOrder & { kind: 'ask' }): void {
    if (askedMs < this.#openedMs) this.#cold++;
    const isHeard = 'wantsPieces' in request && request.wantsPieces === true;
    const ended = (word: EngineWord): void => {
      client.aborts.delete(id);
      client.words.push(word);
    };
    try {
      const abort = this.#scheduler.submit(
        request,
        {
          text: (delta) => {
            if (isHeard) client.words.push({ kind: 'text', id, delta });
          },
          done: (result) => ended({ kind: 'done', id, result }),
          failed: ({ code, message, details }) => ended({ kind: 'failed', id, code, message, details }),
        },
        blob,
      );
      // Unless it is answered already.
      if (!client.words.some((word) => word.id === id && word.kind === 'done')) client.aborts.set(id, abort);
    } catch (error) {
      const { code, message, details } = asBridgeError(error);
      ended({ kind: 'failed', id, code, message, details });
    }
  }

  #save(client: Client, { id, agent }: EngineOrder & { kind: 'save' }): void {
    client.words.push({ kind: 'saved', id, blob: this.#scheduler.memory.save(agent) });
  }

  #run(): void {
    this.#isRunning = this.#scheduler.hasWork;
    if (this.#isRunning) this.#scheduler.step();
    this.#flush();
    if (this.#isRunning) this.#env.soon(() => this.#run());
    this.#tell();
  }

  /** Sends what there is: at once what is new or ends, pieces of running answers a few at a time. */
  #flush(): void {
    const nowMs = this.#env.elapsedMs();
    const isTime = nowMs - this.#flushedMs >= limits.engineFlushMs || !this.#scheduler.hasWork;
    for (const client of this.#clients) {
      const { words, port } = client;
      if (words.length === 0 || (!isTime && words.every(({ kind }) => kind === 'text'))) continue;
      port.postMessage(words);
      client.words = [];
    }
    if (isTime) this.#flushedMs = nowMs;
  }

  #tell(): void {
    const nowMs = this.#env.elapsedMs();
    if (this.#isRunning && nowMs - this.#toldMs < limits.engineTotalsMs) return;
    this.#toldMs = nowMs;
    const totals: Record<string, number> = { engineCold: this.#cold, engineCpuMs: this.#env.cpuMs() };
    const { used, cached, blocks, running, waiting } = this.#scheduler.state;
    Object.assign(totals, {
      engineBlocksUsed: used,
      engineBlocksCached: cached,
      engineBlocks: blocks,
      engineRunning: running,
      engineWaiting: waiting,
      engineKvBytes: blocks * this.#engine.info.blockTokens * this.#engine.info.kvBytesPerToken,
    });
    this.#scheduler.counters.addTo(totals);
    this.#env.totals(totals);
  }
}
