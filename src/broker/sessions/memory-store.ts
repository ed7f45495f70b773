import type {
  FilterRow,
  IncomingRow,
  MessageRow,
  OutgoingRow,
  RetainedRow,
  SessionChanges,
  SessionRow,
  SessionRows,
  SessionStore,
  WillRow,
} from '../../base/session-rows.ts';

/** Rows that end with the process: for bridges without a disk, and for tests, where the next broker may load them. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<number, SessionRow>();
  readonly #filters = new Map<string, FilterRow>();
  readonly #messages = new Map<number, MessageRow>();
  readonly #outgoing = new Map<string, OutgoingRow>();
  readonly #incoming = new Map<string, IncomingRow>();
  readonly #retained = new Map<string, RetainedRow>();
  readonly #wills = new Map<string, WillRow>();

  load(): SessionRows {
    const outgoing = [...this.#outgoing.values()].sort((a, b) => a.session - b.session || a.place - b.place);
    return {
      sessions: [...this.#sessions.values()],
      filters: [...this.#filters.values()],
      messages: [...this.#messages.values()],
      outgoing,
      incoming: [...this.#incoming.values()],
      retained: [...this.#retained.values()],
      wills: [...this.#wills.values()],
    };
  }

  write({ dropped, gone, put }: SessionChanges): Promise<void> {
    for (const session of dropped) this.#drop(session);
    for (const { session, filter } of gone.filters) this.#filters.delete(`${session} ${filter}`);
    for (const message of gone.messages) this.#messages.delete(message);
    for (const { session, place } of gone.outgoing) this.#outgoing.delete(`${session} ${place}`);
    for (const { session, packetId } of gone.incoming) this.#incoming.delete(`${session} ${packetId}`);
    for (const topic of gone.retained) this.#retained.delete(topic);
    for (const client of gone.wills) this.#wills.delete(client);
    for (const row of put.sessions) this.#sessions.set(row.session, row);
    for (const row of put.filters) this.#filters.set(`${row.session} ${row.filter}`, row);
    for (const row of put.messages) this.#messages.set(row.message, row);
    for (const row of put.outgoing) this.#outgoing.set(`${row.session} ${row.place}`, row);
    for (const row of put.incoming) this.#incoming.set(`${row.session} ${row.packetId}`, row);
    for (const row of put.retained) this.#retained.set(row.topic, row);
    for (const row of put.wills) this.#wills.set(row.client, row);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #drop(session: number): void {
    this.#sessions.delete(session);
    for (const rows of [this.#filters, this.#outgoing, this.#incoming])
      for (const [key, row] of rows) if (row.session === session) rows.delete(key);
  }
}
