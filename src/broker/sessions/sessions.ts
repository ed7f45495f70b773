/**
 * All that the broker has for its clients: sessions, retained messages, wills. Everything is in memory; what is to
 * outlive the process goes to the log with its change, and comes back with `restore`.
 *
 *   kept session: opened (by CONNECT with CleanSession 0) -> attached <-> detached -> dropped (by a clean CONNECT, or expired)
 */
import type { Log } from '../../base/log.ts';
import type { RetainedRow, SessionRows, SessionStore, WillRow } from '../../base/session-rows.ts';
import { Entry } from './entry.ts';
import { Message } from './message.ts';
import { RetainedMessages, type Retained } from './retained-messages.ts';
import { SessionLog } from './session-log.ts';
import { SESSION_BOUNDS, type SessionBounds, type SessionHost, type SessionLink } from './session-host.ts';
import { Session } from './session.ts';
import { qosOf } from './stored-packets.ts';
import { SubscriptionTree, type Receiver, type Subscription } from './subscription-tree.ts';

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly log: Log;
  readonly onFatal: (error: Error) => void;
  /** Time a kept session without a connection lasts. */
  readonly expiryMs: number;
  /** Others than the limits of the same names. */
  readonly bounds?: Partial<SessionBounds>;
  /** A message did not reach a session: its queue, or all of them, is full. */
  readonly onDropped: () => void;
  /** QoS 0 for a client that reads too slowly. */
  readonly onTooSlow: () => void;
  /** Whether who set a retained message may publish to its topic still; else nobody gets it. */
  readonly mayStill: (name: string, topic: string) => boolean;
}

/** See the head of this file. */
export class Sessions implements SessionHost {
  readonly log: SessionLog;
  readonly subscriptions = new SubscriptionTree();
  readonly bounds: SessionBounds;
  readonly retained: RetainedMessages;
  readonly #options: SessionsOptions;
  readonly #kept = new Map<string, Session>();
  /** Those with a connection, by client id. */
  readonly #connected = new Map<string, Session>();
  readonly #wills = new Map<string, WillRow>();
  #lastNumber = 0;
  #lastMessage = 0;
  #queuedBytes = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.bounds = { ...SESSION_BOUNDS, ...options.bounds };
    this.retained = new RetainedMessages(this.bounds);
    this.log = new SessionLog(options, {
      retainedRow: (topic) => this.#retainedRow(topic),
      willRow: (client) => this.#wills.get(client),
      nextMessage: () => ++this.#lastMessage,
    });
  }

  /** Time a kept session without a connection lasts. */
  get expiryMs(): number {
    return this.#options.expiryMs;
  }

  get keptCount(): number {
    return this.#kept.size;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  allKept(): Iterable<Session> {
    return this.#kept.values();
  }

  kept(name: string): Session | undefined {
    return this.#kept.get(name);
  }

  /** The session of a client: that of its connection, else the one that was kept. */
  find(name: string): Session | undefined {
    return this.#connected.get(name) ?? this.#kept.get(name);
  }

  /** The session of a CONNECT with CleanSession 0: the one there is, or a new one. */
  open(name: string, nowMs: number): Session {
    const known = this.#kept.get(name);
    if (known !== undefined && !this.#isExpired(known, nowMs)) return known;
    if (known !== undefined) this.drop(known);
    const session = new Session(name, ++this.#lastNumber, this);
    session.endedAtMs = nowMs;
    this.#kept.set(name, session);
    this.log.changes.session(session);
    return session;
  }

  /** A session that ends with its connection. */
  openClean(name: string): Session {
    return new Session(name, 0, this);
  }

  attach(session: Session, link: SessionLink): void {
    this.#connected.set(session.name, session);
    session.isNew = false;
    session.attach(link);
  }

  /** The connection has ended; another one may have its session by now. */
  detach(session: Session, link: SessionLink, nowMs: number): void {
    if (session.isGone) return;
    if (session.link === link || !session.isKept) session.detach(nowMs);
    if (this.#connected.get(session.name) === session && session.link === null)
      this.#connected.delete(session.name);
    // Their SUBACK is not to come, but they are on the disk: as after a crash, they count.
    if (session.isKept) for (const subscription of session.filters()) this.activate(subscription);
    else this.#removeFilters(session);
  }

  /** Ends it for good [MQTT-3.1.2-6]. */
  drop(session: Session): void {
    this.#removeFilters(session);
    session.drop();
    if (this.#kept.get(session.name) === session) this.#kept.delete(session.name);
    if (this.#connected.get(session.name) === session) this.#connected.delete(session.name);
  }

  /** Drops what nobody came back to in time. */
  expire(nowMs: number): void {
    for (const session of [...this.#kept.values()]) if (this.#isExpired(session, nowMs)) this.drop(session);
  }

  /** From now on messages come by it. */
  activate(subscription: Subscription): void {
    if (subscription.isActive) return;
    subscription.isActive = true;
    this.subscriptions.add(subscription);
  }

  /** Adds a filter, or gives it another QoS [MQTT-3.8.4-3]. */
  subscribe(session: Session, filter: string, qos: 0 | 1 | 2): Subscription {
    const before = session.subscription(filter)?.qos;
    const subscription = session.subscribe(filter, qos);
    if (before !== undefined && before !== qos) this.subscriptions.changed();
    return subscription;
  }

  unsubscribe(session: Session, filter: string): void {
    const subscription = session.unsubscribe(filter);
    if (subscription?.isActive === true) this.subscriptions.remove(subscription);
  }

  /** Sends what the topics of a new subscription have kept [MQTT-3.3.1-6]. */
  sendRetained({ session, filter, qos }: Subscription): void {
    session.feed(
      Array.from(this.retained.matching(filter), ({ message }) => message.topic),
      qos,
    );
  }

  /** To all of them, each with the lower one of the two QoS [MQTT-3.8.4-6]. RETAIN is 0 then [MQTT-3.3.1-9]. */
  publish(message: Message, qos: 0 | 1 | 2, receivers: readonly Receiver[]): void {
    for (const { session, qos: qosMax } of receivers) session.push(message, qos < qosMax ? qos : qosMax);
    if (qos > 0) message.forgetPacket(); // it may wait for long
  }

  /** As `publish`, to whoever subscribes to its topic; as `retain` where that is asked for. */
  deliver(
    message: Message,
    { qos, retain, setBy }: { qos: 0 | 1 | 2; retain: boolean; setBy: string },
  ): boolean {
    this.publish(message, qos, this.subscriptions.receivers(message.topic));
    return !retain || this.retain({ message, qos, setBy });
  }

  /** Keeps it as its topic's, or with an empty payload nothing [MQTT-3.3.1-10]; false: there is no room. */
  retain(retained: Retained): boolean {
    const { message } = retained;
    const { topic } = message;
    if (message.payload.length === 0) {
      if (this.retained.delete(topic)) this.log.changes.retained(topic);
      return true;
    }
    if (!this.retained.set(retained)) return false;
    this.log.changes.retained(topic);
    return true;
  }

  retainedOf(topic: string): Retained | undefined {
    const retained = this.retained.get(topic);
    return retained !== undefined && this.#options.mayStill(retained.setBy, topic) ? retained : undefined;
  }

  /** Keeps a will for the case that this process does not get to publish it. */
  putWill(row: WillRow): void {
    this.#wills.set(row.client, row);
    this.log.changes.will(row.client);
  }

  /** @returns whether there was one */
  deleteWill(client: string): boolean {
    if (!this.#wills.delete(client)) return false;
    this.log.changes.will(client);
    return true;
  }

  will(client: string): WillRow | undefined {
    return this.#wills.get(client);
  }

  wills(): WillRow[] {
    return [...this.#wills.values()];
  }

  dropped(): void {
    this.#options.onDropped();
  }

  tooSlow(): void {
    this.#options.onTooSlow();
  }

  grow(bytes: number): boolean {
    if (bytes > 0 && this.#queuedBytes + bytes > this.bounds.queuedBytesTotalMax) return false;
    this.#queuedBytes += bytes;
    return true;
  }

  /** Takes back what a process before this one had. */
  restore(rows: SessionRows, nowMs: number): void {
    const sessions = new Map<number, { session: Session; wasConnected: boolean }>();
    for (const row of rows.sessions) {
      this.#lastNumber = Math.max(this.#lastNumber, row.session);
      const session = new Session(row.client, row.session, this);
      session.restore(row, nowMs);
      sessions.set(row.session, { session, wasConnected: row.endedAtMs === null });
      this.#kept.set(row.client, session);
    }
    for (const { session: number, filter, qos } of rows.filters) {
      const session = sessions.get(number)?.session;
      if (session !== undefined) this.activate(session.restoreFilter(filter, qosOf(qos)));
    }
    this.#restoreQueues(rows, sessions);
    for (const { session, packetId } of rows.incoming)
      sessions.get(session)?.session.incoming.restore(packetId);
    for (const { topic, payload, qos, setBy } of rows.retained)
      this.retained.set({ message: new Message(topic, payload), qos: qosOf(qos), setBy });
    for (const row of rows.wills) this.#wills.set(row.client, row);
  }

  #restoreQueues(
    rows: SessionRows,
    sessions: ReadonlyMap<number, { session: Session; wasConnected: boolean }>,
  ): void {
    const messages = new Map<number, Message>();
    for (const { message: number, topic, payload } of rows.messages) {
      this.#lastMessage = Math.max(this.#lastMessage, number);
      const message = new Message(topic, payload);
      message.number = number;
      messages.set(number, message);
    }
    for (const row of rows.outgoing) {
      const found = sessions.get(row.session);
      const message = messages.get(row.message);
      if (found === undefined || message === undefined) continue;
      const entry = new Entry(found.session, message, { ...row, qos: row.qos === 2 ? 2 : 1 });
      entry.phase = row.phase;
      entry.isStored = true;
      message.storedPlaces += 1;
      found.session.restoreEntry(entry, found.wasConnected);
    }
  }

  #removeFilters(session: Session): void {
    for (const subscription of session.filters()) {
      if (subscription.isActive) this.subscriptions.remove(subscription);
      subscription.isActive = false;
    }
  }

  #isExpired({ link, endedAtMs }: Session, nowMs: number): boolean {
    return link === null && endedAtMs !== null && nowMs - endedAtMs > this.#options.expiryMs;
  }

  #retainedRow(topic: string): RetainedRow | undefined {
    const retained = this.retained.get(topic);
    if (retained === undefined) return undefined;
    const { message, qos, setBy } = retained;
    return { topic, payload: message.payload, qos, setBy };
  }
}
