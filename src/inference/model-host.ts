/** What all models of a process share: queues and breakers by endpoint, the agents' budget, numbers. */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { KvBlob } from './embedded/chat-memory.ts';
import { EngineHost } from './embedded/engine-host.ts';
import { EngineLink } from './embedded/engine-link.ts';
import type { KvKeeper } from './embedded/engine-model.ts';
import type { EngineGate } from './embedded/engine-words.ts';
import { ModelCounters } from './model-counters.ts';
import { ModelKey, type Environment, type KeySource } from './model-key.ts';
import { Pacer } from './pacer.ts';
import { FairQueue, type ModelPriority, type QueueLimits } from './scheduler.ts';
import { MemoryTokenBudget, type TokenBudget } from './token-budget.ts';

/** Who asks a model. @public */
export interface ModelCaller {
  /** `model/id`: turns in the queue, budget and session affinity go by it. */
  readonly agent: string;
  /** Default `interactive`: somebody waits for the answer. */
  readonly priority?: ModelPriority;
  /** Where the agent keeps what an engine has read for it, while it sleeps. */
  readonly keeper?: KvKeeper;
}

/** Time limits of a request, ms; see `limits.model...Ms` for the defaults. @public */
export interface ModelTimeouts {
  readonly connectMs: number;
  readonly firstTokenMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

/** How models are asked. All of it is optional. @public */
export interface ModelSettings {
  /** The key of endpoints not in `keys`; default: the environment variable MOORING_MODEL_KEY, if it is set. */
  readonly key?: KeySource;
  /** Keys by origin (`https://api.example.com`), where there are several endpoints. */
  readonly keys?: Readonly<Record<string, KeySource>>;
  /** Default: `process.env`. */
  readonly environment?: Environment;
  readonly timeouts?: Partial<ModelTimeouts>;
  /** Of each endpoint. */
  readonly queue?: Partial<QueueLimits>;
  /** Of each agent, UTC; Infinity: none. Without effect beside `budget`. */
  readonly tokensPerDay?: number;
  readonly budget?: TokenBudget;
  /** The way to the engines of the process; default: engines of this host's own. */
  readonly engines?: EngineGate;
  readonly clock?: Clock;
  /** [0, 1) */
  readonly random?: () => number;
  readonly log?: Log;
}

const STANDARD_KEY: KeySource = { environment: 'MOORING_MODEL_KEY' };

/** Where requests of one kind go, and what stands before it. */
export interface Endpoint {
  /** The model's name, as people know it. */
  readonly name: string;
  readonly provider: string;
  readonly queue: FairQueue;
  readonly breaker: CircuitBreaker;
  redact(text: string): string;
  /** Reads the key again; whether it is another one now. */
  refreshKey(): boolean;
}

/** What a request needs besides its endpoint. */
export interface ModelEnvironment {
  readonly clock: Clock;
  readonly random: () => number;
  readonly timeouts: ModelTimeouts;
  readonly budget: TokenBudget;
  readonly counters: ModelCounters;
}

/** One per process or shard; `resolveModel` gives agents their models from it. @public */
export class ModelHost implements ModelEnvironment {
  readonly clock: Clock;
  readonly random: () => number;
  readonly timeouts: ModelTimeouts;
  readonly budget: TokenBudget;
  readonly counters = new ModelCounters();
  /** Of all answers that come over the network. */
  readonly pacer: Pacer;
  readonly #settings: ModelSettings;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #engines = new Map<string, EngineLink>();
  readonly #closing: (() => void)[] = [];
  #gate: EngineGate | undefined;

  constructor(settings: ModelSettings = {}) {
    this.#settings = settings;
    this.clock = settings.clock ?? systemClock;
    this.#gate = settings.engines;
    this.pacer = new Pacer(this.clock);
    this.random = settings.random ?? Math.random;
    this.timeouts = {
      connectMs: limits.modelConnectMs,
      firstTokenMs: limits.modelFirstTokenMs,
      idleMs: limits.modelIdleMs,
      totalMs: limits.modelTotalMs,
      ...settings.timeouts,
    };
    this.budget = settings.budget ?? new MemoryTokenBudget(this.clock, settings.tokensPerDay);
  }

  /**
   * The endpoint known by `id`, made by `make` when it is new.
   * @throws BridgeError BRG_MODEL_SPEC when there are too many
   */
  endpoint<T extends Endpoint>(id: string, make: () => T): T {
    const known = this.#endpoints.get(id);
    if (known !== undefined) return known as T; // each kind of id has one kind of endpoint
    const isRoom = this.#endpoints.size < limits.modelEndpointsMax;
    if (!isRoom)
      throw new BridgeError('BRG_MODEL_SPEC', `more than ${limits.modelEndpointsMax} model endpoints`);
    const made = make();
    this.#endpoints.set(id, made);
    return made;
  }

  /** Queue, breaker and texts of a new endpoint; `key` is what must not show in its texts. */
  gate(name: string, provider: string, key: ModelKey, own?: Partial<QueueLimits>): Endpoint {
    const { log, queue = own } = this.#settings;
    const changed = (kind: string): void =>
      log?.[kind === 'open' ? 'warn' : 'info']({ model: name, provider, breaker: kind }, 'model endpoint');
    return {
      name,
      provider,
      queue: new FairQueue(this.clock, queue),
      breaker: new CircuitBreaker(this.clock, changed),
      redact: (text) => key.redact(text),
      refreshKey: () => {
        log?.warn({ model: name, provider }, 'model endpoint refused the key');
        return key.refresh();
      },
    };
  }

  /** The key for an endpoint. @throws BridgeError BRG_MODEL_SPEC when its source holds no usable one */
  keyFor(url: URL): ModelKey {
    const { keys = {}, key = STANDARD_KEY, environment = process.env, log } = this.#settings;
    const found = new ModelKey(Object.hasOwn(keys, url.origin) ? keys[url.origin] : key, environment);
    const isReadable = url.protocol === 'http:' && !/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
    if (isReadable && found.value !== undefined)
      log?.warn({ endpoint: url.origin }, 'the model key goes over the network unencrypted: use https');
    return found;
  }

  /** The way to the engine of a model file: one of this host however often it is asked for. Starts nothing. */
  engine(file: string): EngineLink {
    const known = this.#engines.get(file);
    if (known !== undefined) return known;
    const link = new EngineLink(file, (path, port) => this.#engineGate()(path, port));
    this.#engines.set(file, link);
    this.onClose(() => link.close());
    return link;
  }

  /** What `agent` should keep of what engines have read for it; undefined: nothing, or none was asked. */
  async memoryOf(agent: string): Promise<KvBlob | undefined> {
    for (const link of this.#engines.values()) {
      const blob = await link.save(agent);
      if (blob !== undefined) return blob;
    }
    return undefined;
  }

  #engineGate(): EngineGate {
    if (this.#gate !== undefined) return this.#gate;
    const own = new EngineHost({ log: this.#settings.log });
    this.onClose(() => void own.close()); // never rejects
    return (this.#gate = own.connect);
  }

  /** Calls `close` when the host is closed. */
  onClose(close: () => void): void {
    this.#closing.push(close);
  }

  /** Adds what models did (names in model-counters.ts), `modelQueueDepth`, `modelInFlight` and `modelBreakersOpen`. */
  addTo(totals: Record<string, number>): void {
    this.counters.addTo(totals);
    const endpoints = [...this.#endpoints.values()];
    const add = (name: string, of: (endpoint: Endpoint) => number): void =>
      void (totals[name] = (totals[name] ?? 0) + endpoints.reduce((sum, each) => sum + of(each), 0));
    add('modelQueueDepth', ({ queue }) => queue.depth);
    add('modelInFlight', ({ queue }) => queue.inFlight);
    add('modelBreakersOpen', ({ breaker }) => (breaker.kind === 'closed' ? 0 : 1));
  }

  /** Closes idle connections. Requests that run are their callers' to abort. */
  close(): void {
    for (const close of this.#closing.splice(0)) close();
  }
}

/** What an endpoint is told instead of the agent's name: the same for the same agent, so that its prompt's prefix is found in a cache. */
export function affinity(agent: string): string {
  return createHash('sha256').update(`mooring ${agent}`).digest('hex').slice(0, 32);
}
