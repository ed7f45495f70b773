/**
 * What the embedded engine has read of a chat, in the agent's own file: the next question after a sleep goes on where
 * the last one ended instead of reading everything again. A cache: it may be missing, old or of another model; then the
 * engine drops it.
 *
 * I1 It is written within the turn whose chat it belongs to, and deleted when that chat is cleared.
 * I2 It is handed to the engine once a wake: afterwards the engine has it.
 */
import type { ActorContext } from '../../actor/index.ts';
import { asBridgeError } from '../../base/errors.ts';
import type { KvBlob, KvKeeper } from '../../inference/index.ts';
import { CHAT_CELL } from './chat-store.ts';

const TABLE = `CREATE TABLE IF NOT EXISTS cf_ai_chat_engine_memory(
  id INTEGER PRIMARY KEY CHECK(id = 1), fingerprint TEXT NOT NULL, prefix_tokens INTEGER NOT NULL,
  prefix_hash TEXT NOT NULL, tokens BLOB NOT NULL, bytes BLOB NOT NULL)`;

export class EngineMemory implements KvKeeper {
  readonly #context: ActorContext;
  #isTaken = false;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** What was kept when the agent slept, the first time it is asked. */
  take(): KvBlob | undefined {
    if (this.#isTaken || this.#context.cell(CHAT_CELL) === undefined) return undefined;
    this.#isTaken = true;
    if (!this.#exists()) return undefined;
    const [row] = this.#context.database.all('SELECT * FROM cf_ai_chat_engine_memory', []);
    return row === undefined ? undefined : readRow(row);
  }

  /** Keeps what `coming` resolves with, before the turn ends. Never rejects: without it the engine reads again. */
  async keep(coming: Promise<KvBlob | undefined>): Promise<void> {
    const blob = await coming.catch((error: unknown) => void asBridgeError(error)); // an engine that is gone kept nothing
    if (blob === undefined || this.#context.turn.isAbandoned) return;
    try {
      this.#write(blob);
    } catch (error) {
      // A full file, say: the answer is there all the same.
      this.#context.log.warn({ err: asBridgeError(error).message }, 'what the engine has read is not kept');
    }
  }

  #write({ fingerprint, prefixTokens, prefixHash, tokens, bytes }: KvBlob): void {
    this.#context.database.all(TABLE, []);
    const words = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
    const values = [fingerprint, prefixTokens, prefixHash, words, bytes];
    const sql = 'INSERT OR REPLACE INTO cf_ai_chat_engine_memory VALUES(1, ?, ?, ?, ?, ?)';
    this.#context.database.all(sql, values);
  }

  /** The chat was cleared: nobody shall read of it what was said. */
  clear(): void {
    this.#isTaken = true;
    if (this.#context.cell(CHAT_CELL) === undefined || !this.#exists()) return;
    this.#context.database.all('DELETE FROM cf_ai_chat_engine_memory', []);
  }

  #exists(): boolean {
    const sql = "SELECT 1 FROM sqlite_master WHERE name = 'cf_ai_chat_engine_memory'";
    return this.#context.database.all(sql, []).length > 0;
  }
}

/** Undefined for a row that is none: an imported file may hold anything. */
function readRow(row: Readonly<Record<string, unknown>>): KvBlob | undefined {
  const { fingerprint, prefix_tokens: prefixTokens, prefix_hash: prefixHash, tokens, bytes } = row;
  if (typeof fingerprint !== 'string' || typeof prefixTokens !== 'number' || typeof prefixHash !== 'string')
    return undefined;
  if (!(tokens instanceof Uint8Array) || !(bytes instanceof Uint8Array) || tokens.length % 4 !== 0)
    return undefined;
  const aligned = new Int32Array(Uint8Array.from(tokens).buffer);
  return { version: 1, fingerprint, prefixTokens, prefixHash, tokens: aligned, bytes };
}
