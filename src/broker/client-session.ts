/**
 * The session of one connection: what the client publishes goes to whoever subscribes, and is acknowledged when what
 * that changed is on the disk; what it subscribes to counts from its SUBACK.
 *
 *   allowed (`open`) -> answered (`attach`) -> `detach`
 *
 * I1 No acknowledgement overtakes an earlier one that waits for its commit [MQTT-4.6.0-2].
 */
import { limits } from '../base/limits.ts';
import type { BrokerContext } from './context.ts';
import type { Client, PublishCallback, PublishPacket } from './mqtt-server.ts';
import type { Permissions } from './permissions.ts';
import { ClientLink } from './session-link.ts';
import { Message, type Receiver, type Session, type SessionLink } from './sessions/index.ts';

/** The connection, as far as its session needs it. */
export interface SessionOwner {
  readonly client: Client;
  readonly permissions: Permissions;
  readonly isClosed: boolean;
  destroy(reason: string): void;
}

/** See the head of this file. */
export class ClientSession {
  readonly #context: BrokerContext;
  readonly #owner: SessionOwner;
  #session: Session | null = null;
  #link: SessionLink | null = null;
  /** I1 */
  #lastTicket = 0;
  #topic = '';
  #generation = -1;
  #receivers: readonly Receiver[] = [];

  constructor(context: BrokerContext, owner: SessionOwner) {
    this.#context = context;
    this.#owner = owner;
  }

  get filterCount(): number {
    return this.#session?.filterCount ?? 0;
  }

  has(filter: string): boolean {
    return this.#session?.subscription(filter) !== undefined;
  }

  isAwaitingRelease(packetId: number): boolean {
    return this.#session?.isAwaitingRelease(packetId) === true;
  }

  /** CONNECT was allowed: the session is there, or is made. Resolves when it outlives us. Never rejects. */
  async open(isClean: boolean): Promise<void> {
    const { sessions } = this.#context;
    const { id } = this.#owner.client;
    this.#session = isClean ? sessions.openClean(id) : sessions.open(id, Date.now());
    if (this.#session.isKept && this.#session.isNew) await sessions.log.committed();
  }

  /** The CONNACK was sent: what the session has for the client follows. Answers the filters it had. */
  attach(): string[] {
    const session = this.#session;
    if (session === null) return [];
    const { client, permissions } = this.#owner;
    const restored = Array.from(session.filters(), ({ filter }) => filter);
    this.#link = new ClientLink(client, permissions, session);
    this.#context.sessions.attach(session, this.#link);
    return restored;
  }

  detach(): void {
    if (this.#session === null || this.#link === null) return;
    this.#context.sessions.detach(this.#session, this.#link, Date.now());
  }

  /** One message to this client only. */
  push(message: Message, qos: 0 | 1 | 2, isRetained: boolean): void {
    this.#session?.push(message, qos, isRetained);
  }

  /** One PUBLISH whose turn has come: to who listens, then acknowledged. @param callback null: nobody waits for it */
  pass(packet: PublishPacket, callback: PublishCallback | null): void {
    const { topic, qos, retain } = packet;
    const { log } = this.#context.sessions;
    const isUnheard = qos < 2 && !retain && this.#receiversOf(topic).length === 0;
    if (!isUnheard && !this.#spread(packet)) return;
    if (callback === null || this.#owner.isClosed) return;
    if (qos === 0 || log.isCommitted(this.#lastTicket)) callback(null);
    else
      log.whenCommitted(this.#lastTicket, () => {
        if (!this.#owner.isClosed) callback(null);
      });
  }

  /** A filter is allowed: calls `then` when it may be granted, i.e. when what the SUBACK promises outlives us. */
  subscribe(filter: string, qos: 0 | 1 | 2, then: () => void): void {
    const { sessions } = this.#context;
    if (this.#session === null || this.#owner.isClosed) return;
    sessions.subscribe(this.#session, filter, qos);
    sessions.log.whenCommitted(this.#session.isKept ? sessions.log.ticket : 0, then);
  }

  /** The SUBACK was sent. */
  subscribed(filters: readonly string[]): void {
    const { sessions } = this.#context;
    for (const filter of filters) {
      const subscription = this.#session?.subscription(filter);
      if (subscription === undefined) continue;
      sessions.activate(subscription);
      sessions.sendRetained(subscription);
    }
  }

  unsubscribed(filters: readonly string[]): void {
    if (this.#session === null) return;
    for (const filter of filters) this.#context.sessions.unsubscribe(this.#session, filter);
  }

  /** To those who listen, and into what is kept. False: it ended the connection, and is not acknowledged. */
  #spread({ topic, payload, qos, retain, messageId = 0 }: PublishPacket): boolean {
    const { sessions, counters } = this.#context;
    const before = sessions.log.changes.count;
    const isKnown = qos === 2 && this.isAwaitingRelease(messageId);
    if (!isKnown) {
      if (qos === 2 && !this.#take(messageId)) return false;
      const message = new Message(topic, payload);
      sessions.publish(message, qos, this.#receiversOf(topic));
      const setBy = this.#owner.permissions.name;
      if (retain && !sessions.retain({ message, qos, setBy })) counters.denied('retained-limit');
    }
    // What it changed must outlive us before we say that we have it; so must what a packet changed that this is a copy of.
    if (isKnown || sessions.log.changes.count !== before) this.#lastTicket = sessions.log.ticket;
    return true;
  }

  /** Notes the packet id of a QoS 2 PUBLISH until its PUBREL; false: it is one too many, and ends the connection. */
  #take(packetId: number): boolean {
    const session = this.#session;
    if (session === null) return false;
    if (session.incoming.size < limits.mqttReleasesAwaitedMax) {
      session.incoming.add(packetId);
      return true;
    }
    this.#context.counters.denied('in-flight-limit');
    this.#owner.destroy('too many QoS 2 publishes await their PUBREL');
    return false;
  }

  /** Who gets messages on this topic by a subscription. */
  #receiversOf(topic: string): readonly Receiver[] {
    const { subscriptions } = this.#context.sessions;
    if (topic !== this.#topic || this.#generation !== subscriptions.generation) {
      this.#topic = topic;
      this.#generation = subscriptions.generation;
      this.#receivers = subscriptions.receivers(topic);
    }
    return this.#receivers;
  }
}
