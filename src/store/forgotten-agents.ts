/**
 * Agents that were forgotten while the journal holds messages of theirs, so that a replay gives those to nobody: not
 * to an agent that has the address now, and not to one that would come into being by them.
 *
 * I1 A note (address, last message that was the agent's) is written by the transaction that deletes its rows. It goes
 *    with a later commit, when the watermark has passed that message: no replay begins before it then.
 * I2 The file of a heavy agent is deleted after that transaction is on the disk; what a crash left of it, a start deletes.
 */
import type Database from 'better-sqlite3';
import { addressKey, parseAddress, type AgentAddress } from '../base/address.ts';
import type { AgentDirectory } from './agent-directory.ts';
import type { AgentFiles } from './agent-files.ts';
import type { HistoryStore } from './history.ts';
import type { AgentChange, AgentRow } from './shard-store.ts';

const NOTE_PREFIX = 'forgotten:';

export class ForgottenAgents {
  readonly #history: HistoryStore;
  readonly #setMeta: Database.Statement;
  readonly #statements: ReturnType<typeof prepare>;
  /** Last message of each, by address: what is noted and committed. */
  readonly #sequences = new Map<string, number>();

  constructor(db: Database.Database, history: HistoryStore, setMeta: Database.Statement) {
    this.#setMeta = setMeta;
    this.#history = history;
    const s = (this.#statements = prepare(db));
    for (const { name, value } of s.notes.all(`${NOTE_PREFIX}*`))
      this.#sequences.set(name.slice(NOTE_PREFIX.length), value);
  }

  /** Messages for this address up to this one are to be given to nobody; 0: all may be given. */
  sequenceOf(key: string): number {
    return this.#sequences.get(key) ?? 0;
  }

  /** The same, for an agent that comes to the address now. */
  before(address: AgentAddress): number {
    return this.#sequences.size === 0 ? 0 : this.sequenceOf(addressKey(address));
  }

  /** Within a commit: deletes the rows of an agent. */
  delete(row: AgentRow): void {
    const s = this.#statements;
    s.deleteCells.run(row.key);
    s.deleteAgent.run(row.key);
    this.#history.deleteAgent(row.key);
    this.#setMeta.run(NOTE_PREFIX + addressKey(row), row.appliedSequence);
  }

  /** Within a commit, before anything is deleted: drops the notes that nobody needs any more. */
  drop(watermark: number): void {
    for (const [key, sequence] of this.#sequences) {
      if (sequence <= watermark) this.#statements.deleteNote.run(NOTE_PREFIX + key);
    }
  }

  /** The commit has succeeded. */
  committed(changes: Iterable<AgentChange>, watermark: number): void {
    for (const [key, sequence] of this.#sequences) if (sequence <= watermark) this.#sequences.delete(key);
    for (const { row, isForgotten } of changes)
      if (isForgotten) this.#sequences.set(addressKey(row), row.appliedSequence);
  }

  /** Deletes the files that a crash has left behind. */
  finish(directory: AgentDirectory, files: AgentFiles): void {
    for (const key of this.#sequences.keys()) {
      const address = parseAddress(key);
      if (address === undefined || directory.find(address.model, address.id)?.hasFile === true) continue;
      files.clear(address);
    }
  }
}

function prepare(db: Database.Database) {
  return {
    notes: db.prepare<[string], { name: string; value: number }>(
      'SELECT name, value FROM meta WHERE name GLOB ?',
    ),
    deleteNote: db.prepare('DELETE FROM meta WHERE name = ?'),
    deleteAgent: db.prepare('DELETE FROM agents WHERE key = ?'),
    deleteCells: db.prepare('DELETE FROM cells WHERE agent = ?'),
  };
}
