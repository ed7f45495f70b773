import type Database from 'better-sqlite3';
import { deserialize, serialize } from 'node:v8';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AgentFile } from './agent-file.ts';

/** Which keys, in order of their UTF-8 bytes. `start` is included, `end` is not. */
export interface KvListOptions {
  readonly start?: string;
  readonly startAfter?: string;
  readonly end?: string;
  readonly prefix?: string;
  readonly reverse?: boolean;
  /** At most this number of keys. */
  readonly limit?: number;
}

/**
 * Keys and values in the agent's file. A value is anything the structured clone algorithm takes (HTML
 * section 2.7): Map, Set, Date, BigInt and bytes as well, no functions.
 */
export class AgentKv {
  readonly #file: AgentFile;
  #statements: ReturnType<typeof prepare> | undefined;

  constructor(file: AgentFile) {
    this.#file = file;
  }

  /** Undefined when there is none. */
  get(key: string): unknown {
    const bytes = this.#prepared().get.get(checkedKey(key));
    return bytes === undefined ? undefined : deserialize(bytes);
  }

  /** @throws BridgeError BRG_STORAGE (key or value cannot be stored), BRG_AGENT_FULL */
  put(key: string, value: unknown): void {
    const bytes = packed(checkedKey(key), value);
    const { put } = this.#prepared();
    this.#file.write(() => put.run(key, bytes));
  }

  /** False when there was none. */
  delete(key: string): boolean {
    const { remove } = this.#prepared();
    return this.#file.write(() => remove.run(checkedKey(key)).changes > 0);
  }

  deleteAll(): void {
    const { removeAll } = this.#prepared();
    this.#file.write(() => removeAll.run());
  }

  list(options: KvListOptions = {}): Map<string, unknown> {
    const { start, startAfter, end, prefix = '', reverse = false, limit = -1 } = options;
    const from = start !== undefined && start > prefix ? start : prefix;
    const statement = reverse ? this.#prepared().listBackwards : this.#prepared().list;
    const rows = statement.all({ from, after: startAfter ?? null, end: end ?? null, prefix, limit });
    return new Map(rows.map(({ key, value }) => [key, deserialize(value) as unknown]));
  }

  /** The file is being closed: what was prepared on it is void. */
  forget(): void {
    this.#statements = undefined;
  }

  #prepared(): ReturnType<typeof prepare> {
    this.#file.sql.settle();
    const db = this.#file.open();
    return (this.#statements ??= prepare(db));
  }
}

function checkedKey(key: unknown): string {
  if (typeof key !== 'string' || key === '' || Buffer.byteLength(key) > limits.storageKeyBytesMax) {
    const message = `a key is text of 1 to ${limits.storageKeyBytesMax} bytes`;
    throw new BridgeError('BRG_STORAGE', message);
  }
  return key;
}

function packed(key: string, value: unknown): Buffer {
  if (value === undefined) {
    throw new BridgeError('BRG_STORAGE', `${key}: undefined is not a value; delete the key instead`);
  }
  let bytes: Buffer;
  try {
    bytes = serialize(value);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BridgeError('BRG_STORAGE', `${key}: ${why}`, { cause: error });
  }
  if (bytes.length <= limits.storageValueBytesMax) return bytes;
  const message = `${key}: ${bytes.length} bytes are more than the ${limits.storageValueBytesMax} a value may have`;
  throw new BridgeError('BRG_STORAGE', message, { details: { bytes: bytes.length } });
}

interface ListParameters {
  from: string;
  after: string | null;
  end: string | null;
  prefix: string;
  limit: number;
}

function prepare(db: Database.Database) {
  const range = `SELECT key, value FROM mooring_kv WHERE key >= @from AND (@after IS NULL OR key > @after)
    AND (@end IS NULL OR key < @end) AND substr(key, 1, length(@prefix)) = @prefix ORDER BY key`;
  return {
    get: db.prepare<[string], Uint8Array>('SELECT value FROM mooring_kv WHERE key = ?').pluck(),
    put: db.prepare(
      'INSERT INTO mooring_kv(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value',
    ),
    remove: db.prepare('DELETE FROM mooring_kv WHERE key = ?'),
    removeAll: db.prepare('DELETE FROM mooring_kv'),
    list: db.prepare<[ListParameters], { key: string; value: Uint8Array }>(`${range} LIMIT @limit`),
    listBackwards: db.prepare<[ListParameters], { key: string; value: Uint8Array }>(
      `${range} DESC LIMIT @limit`,
    ),
  };
}
