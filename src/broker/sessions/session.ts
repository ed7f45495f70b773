/**
 * What the broker has for one client: its subscriptions, what is on its way to it, and which of its QoS 2 packets await
 * their PUBREL (MQTT 3.1.1 section 4.1). That of a client with CleanSession 1 ends with its connection and is nowhere
 * but here; the other is `isKept`: each change goes to the log, and it outlives connections and the process.
 *
 * I1 At most `mqttInFlightMax` messages are unacknowledged; the others wait in order [MQTT-4.6.0-6]. Beyond the bounds
 *    of the queue the oldest that waits is dropped, and counted.
 * I2 A QoS 2 message of a kept session is on the disk before it is sent: after a crash it is the same packet, and the
 *    client can tell that it has it.
 * I3 A packet id is that of one entry only, from when it is queued until it is acknowledged [MQTT-2.3.1-4].
 */
import { limits } from '../../base/limits.ts';
import type { SessionRow } from '../../base/session-rows.ts';
import type { Entry } from './entry.ts';
import { IncomingIds } from './incoming-ids.ts';
import type { Message } from './message.ts';
import { OutgoingQueue } from './outgoing-queue.ts';
import { RetainedFeeds } from './retained-feeds.ts';
import { SessionFilters } from './session-filters.ts';
import type { SessionHost, SessionLink } from './session-host.ts';
import type { Subscription } from './subscription-tree.ts';

/** See the head of this file. */
export class Session {
  readonly name: string;
  /** Of its rows; 0: it is not kept. */
  readonly number: number;
  /** Its CONNECT was not answered yet: a client that comes again finds no session. */
  isNew = true;
  endedAtMs: number | null = null;
  readonly #host: SessionHost;
  #link: SessionLink | null = null;
  // Made with their first entry: most clients have few of them, and an empty Map takes 200 bytes.
  #filters: SessionFilters | null = null;
  #queue: OutgoingQueue | null = null;
  #incoming: IncomingIds | null = null;
  #feeds: RetainedFeeds | null = null;
  /** The last one of a feed: the next one waits until it was sent. */
  #fed: Entry | null = null;
  #isGone = false;
  #isPumping = false;

  constructor(name: string, number: number, host: SessionHost) {
    this.name = name;
    this.number = number;
    this.#host = host;
  }

  get isKept(): boolean {
    return this.number !== 0;
  }

  /** It was dropped. */
  get isGone(): boolean {
    return this.#isGone;
  }

  get link(): SessionLink | null {
    return this.#link;
  }

  get filterCount(): number {
    return this.#filters?.size ?? 0;
  }

  filters(): Iterable<Subscription> {
    return this.#filters?.all() ?? [];
  }

  subscription(filter: string): Subscription | undefined {
    return this.#filters?.get(filter);
  }

  /** Adds a filter, or gives the one there is the QoS; messages come by it when it `isActive`. */
  subscribe(filter: string, qos: 0 | 1 | 2): Subscription {
    return this.#ownFilters.set(filter, qos);
  }

  /** @returns what it was */
  unsubscribe(filter: string): Subscription | undefined {
    return this.#filters?.delete(filter);
  }

  /** The client is there: first what it has not acknowledged, in its order [MQTT-4.4.0-1], then what waits. */
  attach(link: SessionLink): void {
    this.#link = link;
    this.endedAtMs = null;
    if (this.isKept) this.#host.log.changes.session(this);
    for (const entry of this.#queue?.sent() ?? []) {
      entry.isDup = true;
      if (entry.phase === 'released') link.release(entry.packetId);
      else if (link.mayReceive(entry.message)) link.publish(entry.message, entry);
      else this.#remove(entry);
    }
    this.pump();
  }

  /** The connection has ended. */
  detach(nowMs: number): void {
    this.#link = null;
    this.#feeds = null;
    this.endedAtMs = nowMs;
    if (!this.isKept || this.#isGone) {
      this.#clear();
      return;
    }
    this.#host.log.changes.session(this);
    // So that they are DUP next time even if that is another process's.
    for (const entry of this.#queue?.sent() ?? []) this.#host.log.changes.entry(entry);
  }

  /** It ends for good. */
  drop(): void {
    if (this.#isGone) return;
    this.#clear();
    this.#link = null;
    this.#isGone = true;
    if (this.isKept) this.#host.log.changes.dropped(this);
  }

  /** One message for the client. Answers its entry, unless it was sent and forgotten, or dropped. */
  push(message: Message, qos: 0 | 1 | 2, isRetained = false): Entry | null {
    if (this.#isGone || (this.#link === null && !this.isKept)) return null;
    if (qos === 0) {
      this.#sendPlain(message, isRetained);
      return null;
    }
    if (!this.#host.grow(message.bytes)) {
      this.#host.dropped();
      return null;
    }
    const queue = (this.#queue ??= new OutgoingQueue());
    const entry = queue.append(this, message, qos, isRetained);
    if (this.isKept) {
      this.#host.log.changes.entry(entry);
      entry.ticket = this.#host.log.ticket;
    }
    this.pump();
    while (queue.isOverfull(this.#host.bounds)) {
      const oldest = queue.oldestWaiting();
      if (oldest === null) break;
      this.#remove(oldest);
      this.#host.dropped();
    }
    return entry;
  }

  /** Retained messages of these topics, before anything that waits. */
  feed(topics: readonly string[], qos: 0 | 1 | 2): void {
    if (topics.length === 0 || this.#link === null) return;
    if ((this.#feeds ??= new RetainedFeeds()).add(topics, qos)) this.pump();
    else this.#host.tooSlow();
  }

  /** Sends what there is room for. */
  pump(): void {
    if (this.#isPumping) return; // what is sent may have been fed by this very call
    this.#isPumping = true;
    while (this.#link !== null && this.#link.hasRoom() && (this.#pumpFeed() || this.#pumpQueue(this.#link)));
    this.#isPumping = false;
  }

  /** PUBACK or PUBCOMP. @returns whether it was awaited */
  acknowledged(packetId: number, kind: 'puback' | 'pubcomp'): boolean {
    const entry = this.#queue?.find(packetId);
    if (entry === undefined || !wasSent(entry)) return false;
    if (kind !== (entry.qos === 1 ? 'puback' : 'pubcomp')) return false;
    this.#remove(entry);
    this.pump();
    return true;
  }

  /** PUBREC: from now on it is PUBREL that is sent again [MQTT-4.3.3-1]. @returns whether it was awaited */
  released(packetId: number): boolean {
    const entry = this.#queue?.find(packetId);
    if (entry === undefined || entry.qos !== 2 || !wasSent(entry)) return false;
    this.release(entry);
    return true;
  }

  release(entry: Entry): void {
    if (entry.phase === 'released') return;
    this.#queue?.take(entry);
    entry.phase = 'released';
    if (this.isKept) this.#host.log.changes.entry(entry);
  }

  remove(entry: Entry): void {
    this.#remove(entry);
  }

  /** What is on its way to the client, in its order. */
  entries(): Entry[] {
    return this.#queue?.all() ?? [];
  }

  /** The client's QoS 2 packets that await their PUBREL. */
  get incoming(): IncomingIds {
    return (this.#incoming ??= new IncomingIds(this, this.#host.log));
  }

  isAwaitingRelease(packetId: number): boolean {
    return this.#incoming?.has(packetId) === true;
  }

  row(): SessionRow {
    const { number: session, name: client, endedAtMs } = this;
    return { session, client, endedAtMs };
  }

  /** Takes back what a process before this one had for the client. */
  restore(row: SessionRow, nowMs: number): void {
    this.isNew = false;
    // It was connected when that process ended.
    this.endedAtMs = row.endedAtMs ?? nowMs;
  }

  restoreFilter(filter: string, qos: 0 | 1 | 2): Subscription {
    return this.#ownFilters.restore(filter, qos);
  }

  /** In the order of their places. @param wasConnected how far its queue was sent is not known */
  restoreEntry(entry: Entry, wasConnected: boolean): void {
    const queue = (this.#queue ??= new OutgoingQueue());
    // Section 3.3.1.1, "might be re-delivery": so is what may have been on its way, as far as its window went.
    entry.isDup = entry.phase !== 'queued' || (wasConnected && queue.size < limits.mqttInFlightMax);
    this.#host.grow(entry.message.bytes);
    queue.restore(entry);
  }

  get #ownFilters(): SessionFilters {
    return (this.#filters ??= new SessionFilters(this, this.#host.log));
  }

  #sendPlain(message: Message, isRetained: boolean): void {
    const link = this.#link;
    if (link === null) return;
    if (!link.mayReceive(message)) return;
    if (link.hasRoom()) link.publish(message, { qos: 0, isRetained, isDup: false, packetId: 0 });
    else this.#host.tooSlow();
  }

  /** One retained message; false: there is none, or no room for it. */
  #pumpFeed(): boolean {
    if (this.#feeds === null) return false;
    const mustWait = this.#isWindowFull() || this.#fed?.phase === 'queued';
    const fed = this.#feeds.next(mustWait ? 0 : 2);
    if (fed === null) return false;
    const retained = this.#host.retainedOf(fed.topic);
    if (retained === undefined) return true;
    const qos = fed.qos < retained.qos ? fed.qos : retained.qos;
    if (qos === 0) {
      this.#sendPlain(retained.message, true);
      return true;
    }
    this.#fed = this.push(retained.message, qos, true);
    if (this.#fed?.phase === 'queued') this.#queue?.toFront(this.#fed);
    return true;
  }

  #isWindowFull(): boolean {
    return (this.#queue?.inFlight ?? 0) >= limits.mqttInFlightMax;
  }

  /** One message that waits; false: there is none, or it must wait. */
  #pumpQueue(link: SessionLink): boolean {
    const entry = this.#queue?.oldestWaiting() ?? null;
    if (entry === null || this.#isWindowFull()) return false;
    const { log } = this.#host;
    if (entry.qos === 2 && this.isKept && !log.isCommitted(entry.ticket)) {
      log.whenCommitted(entry.ticket, () => this.pump()); // I2
      return false;
    }
    if (!link.mayReceive(entry.message)) {
      this.#remove(entry);
      return true;
    }
    this.#queue?.take(entry);
    link.publish(entry.message, entry);
    return true;
  }

  #remove(entry: Entry): void {
    this.#queue?.remove(entry);
    entry.phase = 'gone';
    this.#host.grow(-entry.message.bytes);
    if (this.isKept && !this.#isGone) this.#host.log.changes.entry(entry);
  }

  #clear(): void {
    for (const entry of this.entries()) this.#remove(entry);
    this.#queue = null;
    this.#incoming = null;
    this.#feeds = null;
  }
}

function wasSent({ phase, isDup }: Entry): boolean {
  return phase !== 'queued' || isDup;
}
