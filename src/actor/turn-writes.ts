/**
 * What the turns of one actor wrote since the last commit, and how a part of a turn is taken back:
 * documents, effects, audit notes, history, and the rows of its own database.
 *
 * I1 Writes collect here until the shard commits; they are repeated unchanged if a commit fails.
 * I2 A part of a turn that throws synchronously leaves nothing behind.
 */
import { HistoryBuffer, type AgentFile, type LoadedAgent } from '../store/index.ts';
import { ActorDatabase } from './actor-database.ts';
import { Documents } from './documents.ts';
import { Outbox } from './outbox.ts';
import type { Effect } from './shard-effects.ts';

const NO_LISTENERS: readonly ((name: string) => void)[] = Object.freeze([]);

/** Whose writes they are; one object instead of a closure for each, because every agent awake has them. */
export interface Writer {
  /** There is something to commit. */
  markDirty(): void;
  /** Gives the agent a file of its own. @throws BridgeError */
  becomeHeavy(): AgentFile;
  /** A stored document cannot be read. */
  damaged(document: string, error: unknown): void;
}

export class TurnWrites {
  readonly documents: Documents;
  readonly outbox: Outbox;
  readonly database: ActorDatabase;
  #takenBackListeners: readonly ((name: string) => void)[] = NO_LISTENERS;
  #history: HistoryBuffer | null = null;
  #outboxAtTurnStart = 0;
  #cause = '';
  #effectNumber = 0;

  constructor(loaded: LoadedAgent, writer: Writer) {
    this.documents = new Documents(loaded.cells, writer);
    this.outbox = new Outbox(writer);
    this.database = new ActorDatabase(loaded.file, writer);
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
    this.#takenBackListeners = [...this.#takenBackListeners, listener];
  }

  /** @param cause what makes ids of this turn's effects the same at a replay; empty for none. */
  beginTurn(cause: string): void {
    this.documents.keep();
    this.database.beginTurn();
    this.#outboxAtTurnStart = this.outbox.mark();
    this.#cause = cause;
    this.#effectNumber = 0;
  }

  /** Another piece runs while a turn waits. The returned function makes ids of effects that turn's again. */
  interruptTurn(): () => void {
    const [cause, effectNumber] = [this.#cause, this.#effectNumber];
    return () => {
      this.#cause = cause;
      this.#effectNumber = effectNumber;
    };
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

  /** Undefined: the turn is nothing that a replay would do again. */
  effectId(): string | undefined {
    return this.#cause === '' ? undefined : `${this.#cause}.${this.#effectNumber++}`;
  }

  /** After a successful commit: forgets what was written and hands out the effects. */
  takeCommitted(): readonly Effect[] {
    this.documents.committed();
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
