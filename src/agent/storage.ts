/**
 * `this.storage`: keys and values, SQL row by row, and transactions, in the agent's own file. The names and
 * meanings are those of a Durable Object's `ctx.storage`.
 */
import type { ActorContext, KvListOptions, SqlBinding, SqlCursor } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';

/** Keys and values, at once. Values are what the structured clone algorithm takes: no functions. */
export class StorageKv {
  readonly #context: ActorContext;

  /** Made by `AgentStorage`. */
  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** Undefined when there is none. */
  get<T = unknown>(key: string): T | undefined {
    return this.#context.database.get(key) as T | undefined; // the author knows what it put there
  }

  /** @throws BridgeError BRG_STORAGE, BRG_AGENT_FULL */
  put(key: string, value: unknown): void {
    this.#context.database.put(key, value);
  }

  /** False when there was none. */
  delete(key: string): boolean {
    return this.#context.database.delete(key);
  }

  /** In the order of the keys. */
  list<T = unknown>(options?: KvListOptions): Map<string, T> {
    return this.#context.database.list(options) as Map<string, T>; // the author knows what it put there
  }
}

/** SQL with a cursor. */
export class StorageSql {
  readonly #context: ActorContext;

  /** Made by `AgentStorage`. */
  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** Runs SQL; the bindings fill the `?` of its last statement, whose rows the cursor hands out. @throws SqlError */
  exec(query: string, ...bindings: SqlBinding[]): SqlCursor {
    return this.#context.database.cursor(query, bindings);
  }

  /** Bytes of the agent's file. */
  get databaseSize(): number {
    return this.#context.database.bytes;
  }
}

/** `this.storage` of an agent: keys and values behind promises, as a Durable Object has them, and both parts at once. */
export class AgentStorage {
  /** Keys and values, synchronous. */
  readonly kv: StorageKv;
  /** SQL, row by row. */
  readonly sql: StorageSql;
  readonly #context: ActorContext;

  /** Made by the runtime. */
  constructor(context: ActorContext) {
    this.#context = context;
    this.kv = new StorageKv(context);
    this.sql = new StorageSql(context);
  }

  /** One value, or those of several keys that there are. */
  get<T = unknown>(key: string): Promise<T | undefined>;
  get<T = unknown>(keys: readonly string[]): Promise<Map<string, T>>;
  get<T>(keys: string | readonly string[]): Promise<T | undefined | Map<string, T>> {
    return promised(() => {
      if (typeof keys === 'string') return this.kv.get<T>(keys);
      const found = keys.map((key) => [key, this.kv.get<T>(key)] as const);
      return new Map(found.filter((entry): entry is [string, T] => entry[1] !== undefined));
    });
  }

  /** Stores one value, or all or none of several. Rejects with BridgeError BRG_STORAGE, BRG_AGENT_FULL. */
  put(key: string, value: unknown): Promise<void>;
  put(entries: Readonly<Record<string, unknown>>): Promise<void>;
  put(keys: string | Readonly<Record<string, unknown>>, value?: unknown): Promise<void> {
    return promised(() => {
      if (typeof keys === 'string') return this.kv.put(keys, value);
      return this.transactionSync(() => {
        for (const [key, each] of Object.entries(keys)) this.kv.put(key, each);
      });
    });
  }

  /** Whether there was one; of several keys, how many there were. */
  delete(key: string): Promise<boolean>;
  delete(keys: readonly string[]): Promise<number>;
  delete(keys: string | readonly string[]): Promise<boolean | number> {
    return promised(() =>
      typeof keys === 'string' ? this.kv.delete(keys) : keys.filter((key) => this.kv.delete(key)).length,
    );
  }

  /** In the order of the keys. */
  list<T = unknown>(options?: KvListOptions): Promise<Map<string, T>> {
    return promised(() => this.kv.list<T>(options));
  }

  /** Deletes all keys; tables of the author's own stay. */
  deleteAll(): Promise<void> {
    return promised(() => this.#context.database.deleteAll());
  }

  /**
   * Runs `fn`, and takes back what it wrote when it throws: SQL, keys, state, jobs, frames. A turn is one
   * transaction anyway: this is for parts of it.
   * @throws what `fn` throws; BridgeError BRG_STORAGE when it is asynchronous
   */
  transactionSync<T>(fn: () => T): T {
    return this.#context.attempt(() => {
      const result = fn();
      if (result instanceof Promise) {
        // Nobody else waits for it.
        void result.catch(() => undefined);
        throw new BridgeError('BRG_STORAGE', 'transactionSync takes a synchronous function');
      }
      return result;
    });
  }
}

/** Done at once; what it throws rejects. */
function promised<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}
