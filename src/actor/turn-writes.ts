/**
 * What the turns of one actor wrote since the last commit, and how a part of a turn is taken back:
 * documents, effects, audit notes, history, and the rows of its own database.
 *
 * I1 Writes collect here until the shard commits; they are repeated unchanged if a commit fails.
 * I2 A part of a turn that throws synchronously leaves nothing behind.
 */
import { newId } from '../base/ids.ts';
import { HistoryBuffer, type LoadedAgent } from '../store/index.ts';
import { ActorDatabase } from './actor-database.ts';
import { Documents } from './documents.ts';
import { Outbox } from './outbox.ts';
import type { Effect } from './shard-effects.ts';

export class TurnWrites {
  readonly documents: Documents;
  readonly outbox: Outbox;
  readonly database: ActorDatabase;
  readonly #takenBackListeners: ((name: string) => void)[] = [];
  #history: HistoryBuffer | null = null;
  #outboxAtTurnStart = 0;
  #cause = '';
  #effectNumber = 0;

  /**
   * @param create gives the agent a file of its own
   * @param onWritten there is something to commit
   * @param onDamage a stored document cannot be read
   */
  constructor(
    loaded: LoadedAgent,
    create: () => NonNullable<LoadedAgent['file']>,
    onWritten: () => void,
    onDamage: (document: string, error: unknown) => void,
  ) {
    this.documents = new Documents(loaded.cells, onDamage);
    this.outbox = new Outbox(onWritten);
    this.database = new ActorDatabase(loaded.file, create, onWritten);
  }

  get history(): HistoryBuffer | null {
    return this.#history;
  }

  addHistory(tsMs: number, values: Record<string, number | boolean | string>): void {
    this.#history ??= new HistoryBuffer();
    this.#history.add(tsMs, values);
  }

  /** Calls `listener` with the name of each document whose write is taken back. */
  onTakenBack(listener: (name: string) => void): void {
    this.#takenBackListeners.push(listener);
  }

  /** @param cause what makes ids of this turn's effects the same at a replay; empty for none. */
  beginTurn(cause: string): void {
    this.documents.keep();
    this.database.beginTurn();
    this.#outboxAtTurnStart = this.outbox.mark();
    this.#cause = cause;
    this.#effectNumber = 0;
  }

  /** Takes back what the turn wrote before it threw. */
  rollBackTurn(): void {
    this.database.leave(false);
    this.#rollBack(0, this.#outboxAtTurnStart);
  }

  /** Runs a part of the turn; what it wrote is taken back when it throws. */
  attempt<T>(part: () => T): T {
    const undoMark = this.documents.mark();
    const outboxMark = this.outbox.mark();
    this.database.enter();
    let isKept = false;
    try {
      const result = part();
      isKept = true;
      return result;
    } catch (error) {
      this.#rollBack(undoMark, outboxMark);
      throw error;
    } finally {
      this.database.leave(isKept);
    }
  }

  effectId(): string {
    return this.#cause === '' ? newId() : `${this.#cause}.${this.#effectNumber++}`;
  }

  /** After a successful commit: forgets what was written and hands out the effects. */
  takeCommitted(): readonly Effect[] {
    this.documents.committed();
    this.#outboxAtTurnStart = 0; // a turn that read its history is committed so far
    this.#history?.clear();
    return this.outbox.take();
  }

  /** Nothing more is written; returns what is to be sent all the same. */
  abandon(): readonly Effect[] {
    this.database.abandon();
    return this.outbox.take();
  }

  #rollBack(undoMark: number, outboxMark: number): void {
    const names = this.documents.rollBack(undoMark);
    for (const listener of this.#takenBackListeners) for (const name of names) listener(name);
    this.outbox.rollBack(outboxMark);
  }
}
