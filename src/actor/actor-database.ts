/**
 * An actor's way to a database of its own. The first use makes the agent heavy: what is committed of it
 * moves into a file, and all it writes from then on goes there.
 */
import { BridgeError } from '../base/errors.ts';
import type { AgentFile, KvListOptions, SqlBinding, SqlCursor, SqlRow } from '../store/index.ts';
import type { AgentDatabase } from './behaviour.ts';
import type { Writer } from './turn-writes.ts';

export class ActorDatabase implements AgentDatabase {
  readonly #writer: Writer;
  #file: AgentFile | null;
  /** Parts of the turn under way that may be taken back. */
  #depth = 0;
  #isAbandoned = false;

  constructor(file: AgentFile | null, writer: Writer) {
    this.#file = file;
    this.#writer = writer;
  }

  get file(): AgentFile | null {
    return this.#file;
  }

  all(sql: string, bindings: readonly SqlBinding[]): SqlRow[] {
    return this.#use((file) => file.sql.all(sql, bindings));
  }

  cursor(sql: string, bindings: readonly SqlBinding[]): SqlCursor {
    return this.#use((file) => file.sql.cursor(sql, bindings));
  }

  get bytes(): number {
    return this.#use((file) => file.sql.bytes);
  }

  get(key: string): unknown {
    return this.#use((file) => file.kv.get(key));
  }

  put(key: string, value: unknown): void {
    this.#use((file) => file.kv.put(key, value));
  }

  delete(key: string): boolean {
    return this.#use((file) => file.kv.delete(key));
  }

  deleteAll(): void {
    this.#use((file) => file.kv.deleteAll());
  }

  list(options?: KvListOptions): Map<string, unknown> {
    return this.#use((file) => file.kv.list(options));
  }

  /** The actor is given up: what is not committed is taken back, and nothing comes here any more. */
  abandon(): void {
    this.#file?.rollBack();
    this.#file = null;
    this.#isAbandoned = true;
  }

  // --- for the actor -----------------------------------------------------------------------------

  beginTurn(): void {
    this.#depth = 1;
    this.#file?.beginTurn();
  }

  enter(): void {
    this.#depth++;
    this.#file?.enter(this.#depth);
  }

  leave(isKept: boolean): void {
    this.#depth--;
    this.#file?.leave(isKept);
  }

  #use<T>(read: (file: AgentFile) => T): T {
    if (this.#isAbandoned) throw new BridgeError('BRG_AGENT_RESTARTED', 'the agent was restarted');
    if (this.#file === null) {
      this.#file = this.#writer.becomeHeavy();
      this.#file.enter(this.#depth);
    }
    if (this.#file.isGone) throw new BridgeError('BRG_STORAGE', 'the agent has been forgotten');
    const result = read(this.#file);
    if (this.#file.isWriting) this.#writer.markDirty();
    return result;
  }
}
