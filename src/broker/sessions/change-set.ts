/** What has changed since the last commit, by identity; `take` makes rows of how it is then. */
import type {
  IncomingRow,
  OutgoingRow,
  FilterRow,
  MessageRow,
  RetainedRow,
  SessionChanges,
  WillRow,
} from '../../base/session-rows.ts';
import type { Entry } from './entry.ts';
import type { Session } from './session.ts';

/** Where the state is that sessions do not have themselves. */
export interface RowSource {
  retainedRow(topic: string): RetainedRow | undefined;
  willRow(client: string): WillRow | undefined;
  /** A number for a message that gets its first row. */
  nextMessage(): number;
}

/** See the head of this file. */
export class ChangeSet {
  #count = 0;
  readonly #sessions = new Set<Session>();
  #dropped: Session[] = [];
  readonly #filters = new Map<Session, Set<string>>();
  readonly #entries = new Set<Entry>();
  readonly #incoming = new Map<Session, Set<number>>();
  readonly #retained = new Set<string>();
  readonly #wills = new Set<string>();
  #isEmpty = true;
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Changes of all times. */
  get count(): number {
    return this.#count;
  }

  session(session: Session): void {
    this.#sessions.add(session);
    this.#changed();
  }

  /** Its rows go; it must not change any more. */
  dropped(session: Session): void {
    this.#sessions.delete(session);
    this.#filters.delete(session);
    this.#incoming.delete(session);
    this.#dropped.push(session);
    this.#changed();
  }

  filter(session: Session, filter: string): void {
    addTo(this.#filters, session, filter);
    this.#changed();
  }

  entry(entry: Entry): void {
    this.#entries.add(entry);
    this.#changed();
  }

  incoming(session: Session, packetId: number): void {
    addTo(this.#incoming, session, packetId);
    this.#changed();
  }

  retained(topic: string): void {
    this.#retained.add(topic);
    this.#changed();
  }

  will(client: string): void {
    this.#wills.add(client);
    this.#changed();
  }

  /** What is to be written now, and begins anew; null: nothing. */
  take(source: RowSource): SessionChanges | null {
    const { messages, outgoing, messagesGone, outgoingGone } = this.#takeEntries(source);
    const { put: filters, gone: filtersGone } = this.#takeFilters();
    const { put: incoming, gone: incomingGone } = this.#takeIncoming();
    const { put: retained, gone: retainedGone } = taken(this.#retained, (topic) => source.retainedRow(topic));
    const { put: wills, gone: willsGone } = taken(this.#wills, (client) => source.willRow(client));
    const sessions = Array.from(this.#sessions, (session) => session.row());
    const dropped = this.#dropped.map(({ number }) => number);
    this.#sessions.clear();
    this.#dropped = [];
    this.#isEmpty = true;
    const put = { sessions, filters, messages, outgoing, incoming, retained, wills };
    const gone = {
      filters: filtersGone,
      messages: messagesGone,
      outgoing: outgoingGone,
      incoming: incomingGone,
      retained: retainedGone,
      wills: willsGone,
    };
    const isNothing = [dropped, ...Object.values(put), ...Object.values(gone)].every(
      (rows) => rows.length === 0,
    );
    return isNothing ? null : { dropped, put, gone };
  }

  #changed(): void {
    this.#count += 1;
    this.#isEmpty = false;
    this.#onChange();
  }

  #takeEntries(source: RowSource) {
    const messages: MessageRow[] = [];
    const outgoing: OutgoingRow[] = [];
    const messagesGone: number[] = [];
    const outgoingGone: { session: number; place: number }[] = [];
    for (const entry of this.#entries) {
      const { message, session, place, qos, isRetained, packetId, phase } = entry;
      if (phase !== 'gone') {
        if (!entry.isStored && message.storedPlaces++ === 0) {
          if (message.number === 0) message.number = source.nextMessage();
          messages.push({ message: message.number, topic: message.topic, payload: message.payload });
        }
        entry.isStored = true;
        const about = { session: session.number, place, message: message.number, qos };
        outgoing.push({ ...about, isRetained, packetId, phase });
      } else if (entry.isStored) {
        entry.isStored = false;
        outgoingGone.push({ session: session.number, place });
        if (--message.storedPlaces === 0) messagesGone.push(message.number);
      }
    }
    this.#entries.clear();
    return { messages, outgoing, messagesGone, outgoingGone };
  }

  #takeFilters() {
    const put: FilterRow[] = [];
    const gone: { session: number; filter: string }[] = [];
    for (const [session, filters] of this.#filters) {
      for (const filter of filters) {
        const qos = session.subscription(filter)?.qos;
        if (qos === undefined) gone.push({ session: session.number, filter });
        else put.push({ session: session.number, filter, qos });
      }
    }
    this.#filters.clear();
    return { put, gone };
  }

  #takeIncoming() {
    const put: IncomingRow[] = [];
    const gone: IncomingRow[] = [];
    for (const [session, packetIds] of this.#incoming) {
      for (const packetId of packetIds)
        (session.isAwaitingRelease(packetId) ? put : gone).push({ session: session.number, packetId });
    }
    this.#incoming.clear();
    return { put, gone };
  }
}

function addTo<T>(sets: Map<Session, Set<T>>, session: Session, value: T): void {
  const known = sets.get(session);
  if (known === undefined) sets.set(session, new Set([value]));
  else known.add(value);
}

/** Empties `keys`: rows of what is there, and the keys of what is gone. */
function taken<T>(keys: Set<string>, rowOf: (key: string) => T | undefined): { put: T[]; gone: string[] } {
  const put: T[] = [];
  const gone: string[] = [];
  for (const key of keys) {
    const row = rowOf(key);
    if (row === undefined) gone.push(key);
    else put.push(row);
  }
  keys.clear();
  return { put, gone };
}
