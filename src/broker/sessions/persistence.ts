/**
 * The sessions as aedes asks for them: the interface of its persistence, all of it. What of a packet or a subscription
 * only aedes knows (numbers of its emitter, options of MQTT 5) is kept beside, for as long as the process runs.
 * A promise is resolved when what it promises is on the disk.
 */
import { Readable } from 'node:stream';
import type { Entry } from './entry.ts';
import { Message } from './message.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import {
  qosOf,
  queuedPacket,
  retainedOf,
  retainedPacket,
  subscriptionOf,
  type StoredPacket,
  type StoredSubscription,
} from './stored-packets.ts';
import type { Subscription } from './subscription-tree.ts';

/** A client, or who plays one. */
export interface PersistentClient {
  readonly id: string;
}

/** See the head of this file. */
export class SessionPersistence {
  readonly sessions: Sessions;
  /** Set by `setup`. */
  broker: { id: string } = { id: '' };
  readonly #packets = new WeakMap<Entry, StoredPacket>();
  readonly #retained = new WeakMap<Message, StoredPacket>();
  readonly #subscriptions = new WeakMap<Subscription, StoredSubscription>();
  readonly #incoming = new WeakMap<Session, Map<number, StoredPacket>>();
  readonly #wills = new Map<string, StoredPacket>();

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  // aedes insists on an async function.
  // eslint-disable-next-line @typescript-eslint/require-await
  async setup(broker: { id: string }): Promise<void> {
    this.broker = broker;
  }

  async storeRetained(packet: StoredPacket): Promise<void> {
    const retained = retainedOf(packet);
    this.#retained.set(retained.message, { ...packet });
    this.sessions.retain(retained);
    await this.sessions.log.committed();
  }

  createRetainedStream(pattern: string): Readable {
    return this.createRetainedStreamCombi([pattern]);
  }

  createRetainedStreamCombi(patterns: readonly string[]): Readable {
    const found = patterns.flatMap((pattern) => [...this.sessions.retained.matching(pattern)]);
    return Readable.from(
      found.map((retained) => this.#retained.get(retained.message) ?? retainedPacket(retained)),
    );
  }

  async addSubscriptions(
    client: PersistentClient,
    subscriptions: readonly StoredSubscription[],
  ): Promise<void> {
    const session = this.#open(client.id);
    for (const given of subscriptions) {
      const subscription = this.sessions.subscribe(session, given.topic, qosOf(given.qos));
      this.#subscriptions.set(subscription, subscriptionOf(given));
      this.sessions.activate(subscription);
    }
    await this.sessions.log.committed();
  }

  async removeSubscriptions(client: PersistentClient, filters: readonly string[]): Promise<void> {
    const session = this.sessions.find(client.id);
    if (session === undefined) return;
    for (const filter of filters) this.sessions.unsubscribe(session, filter);
    await this.sessions.log.committed();
  }

  subscriptionsByClient(client: PersistentClient): Promise<StoredSubscription[]> {
    const filters = this.sessions.find(client.id)?.filters() ?? [];
    return Promise.resolve(Array.from(filters, (subscription) => this.#dressed(subscription)));
  }

  countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const filters = Array.from(this.sessions.allKept(), (session) => [...session.filters()]);
    const subsCount = filters.flat().filter(({ qos }) => qos > 0).length;
    return Promise.resolve({ subsCount, clientsCount: filters.filter(({ length }) => length > 0).length });
  }

  subscriptionsByTopic(topic: string): Promise<StoredSubscription[]> {
    const found = this.sessions.subscriptions.matching(topic).filter(({ qos }) => qos > 0);
    return Promise.resolve(
      found.map((subscription) => ({ clientId: subscription.session.name, ...this.#dressed(subscription) })),
    );
  }

  async cleanSubscriptions(client: PersistentClient): Promise<void> {
    const session = this.sessions.kept(client.id);
    if (session === undefined) return;
    this.sessions.drop(session);
    await this.sessions.log.committed();
  }

  outgoingEnqueue(subscription: { clientId: string }, packet: StoredPacket): Promise<void> {
    return this.outgoingEnqueueCombi([subscription], packet);
  }

  async outgoingEnqueueCombi(
    subscriptions: readonly { clientId: string }[],
    packet: StoredPacket,
  ): Promise<void> {
    const message = new Message(packet.topic ?? '', packet.payload ?? '');
    for (const { clientId } of subscriptions) {
      const entry = this.#open(clientId).push(message, qosOf(packet.qos ?? 0), packet.retain === true);
      if (entry !== null) this.#packets.set(entry, queuedPacket(packet));
    }
    await this.sessions.log.committed();
  }

  /** A packet id for a packet, or the PUBREL that takes its place. */
  async outgoingUpdate(client: PersistentClient, packet: StoredPacket): Promise<void> {
    const session = this.sessions.find(client.id);
    const isPubrel = packet.cmd === 'pubrel';
    if (isPubrel && session?.released(packet.messageId ?? 0) === true) {
      await this.sessions.log.committed();
      return;
    }
    const entry = this.#find(session, packet, true);
    if (session === undefined || entry === undefined) throw new Error('no such packet');
    if (isPubrel) session.release(entry);
    this.#packets.set(entry, isPubrel ? packet : { ...this.#packetOf(entry), messageId: packet.messageId });
    await this.sessions.log.committed();
  }

  /** PUBACK or PUBCOMP; aedes uses it for what may not be sent, too. */
  outgoingClearMessageId(client: PersistentClient, packet: StoredPacket): Promise<StoredPacket | undefined> {
    const session = this.sessions.find(client.id);
    const { cmd, messageId = 0 } = packet;
    if (cmd === 'puback' || cmd === 'pubcomp') {
      session?.acknowledged(messageId, cmd);
      return Promise.resolve(undefined);
    }
    const entry = this.#find(session, packet, false);
    if (session === undefined || entry === undefined) return Promise.resolve(undefined);
    session.remove(entry);
    return Promise.resolve(this.#packetOf(entry));
  }

  outgoingStream(client: PersistentClient): Readable {
    const entries = this.sessions.find(client.id)?.entries() ?? [];
    return Readable.from(entries.map((entry) => this.#packetOf(entry)));
  }

  async incomingStorePacket(client: PersistentClient, packet: StoredPacket): Promise<void> {
    const session = this.#open(client.id);
    const { messageId = 0 } = packet;
    session.incoming.add(messageId);
    const packets = this.#incoming.get(session) ?? new Map<number, StoredPacket>();
    this.#incoming.set(session, packets.set(messageId, { ...queuedPacket(packet), messageId }));
    await this.sessions.log.committed();
  }

  incomingGetPacket(client: PersistentClient, { messageId = 0 }: StoredPacket): Promise<StoredPacket> {
    const session = this.sessions.find(client.id);
    if (session?.isAwaitingRelease(messageId) !== true) return Promise.reject(new Error('no such packet'));
    return Promise.resolve(this.#incoming.get(session)?.get(messageId) ?? { cmd: 'publish', messageId });
  }

  /** After it PUBCOMP is sent, and the packet id is free for another message: it must not come back. */
  async incomingDelPacket(client: PersistentClient, { messageId = 0 }: StoredPacket): Promise<void> {
    const session = this.sessions.find(client.id);
    if (session?.incoming.delete(messageId) !== true) throw new Error('no such packet');
    this.#incoming.get(session)?.delete(messageId);
    if (session.isKept) await this.sessions.log.committed();
  }

  async cleanIncoming(client: PersistentClient): Promise<void> {
    const session = this.sessions.find(client.id);
    if (session === undefined || session.incoming.size === 0) return;
    session.incoming.clear();
    if (session.isKept) await this.sessions.log.committed();
  }

  /** aedes finds what it needs in the packet itself: it is marked with whose it is. */
  async putWill(client: PersistentClient, packet: StoredPacket): Promise<void> {
    packet.brokerId = this.broker.id;
    packet.clientId = client.id;
    this.#wills.set(client.id, packet);
    const { topic = '', payload = '', qos = 0, retain = false } = packet;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    if (!this.keepsWill(topic)) return;
    this.sessions.putWill({ client: client.id, topic, payload: bytes, qos, isRetained: retain });
    await this.sessions.log.committed();
  }

  getWill(client: PersistentClient): Promise<StoredPacket | undefined> {
    return Promise.resolve(this.#wills.get(client.id));
  }

  delWill(client: PersistentClient): Promise<StoredPacket | undefined> {
    const will = this.#wills.get(client.id);
    this.#wills.delete(client.id);
    this.sessions.deleteWill(client.id);
    return Promise.resolve(will);
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    const wills = [...this.#wills.values()];
    return Readable.from(wills.filter(({ brokerId = '' }) => brokers[brokerId] === undefined));
  }

  getClientList(filter: string): Readable {
    const sessions = Array.from(this.sessions.allKept()).filter(
      (session) => session.subscription(filter) !== undefined,
    );
    return Readable.from(sessions.map(({ name }) => name));
  }

  /** The log is closed by who made it. */
  destroy(): Promise<void> {
    return Promise.resolve();
  }

  /** Whether a will on this topic is to outlive the process. */
  protected keepsWill(_topic: string): boolean {
    return true;
  }

  #open(clientId: string): Session {
    return this.sessions.find(clientId) ?? this.sessions.open(clientId, Date.now());
  }

  #dressed(subscription: Subscription): StoredSubscription {
    const { filter: topic, qos } = subscription;
    return { ...this.#subscriptions.get(subscription), topic, qos };
  }

  /** By the numbers of aedes' emitter, where it says them, else by the packet id. */
  #find(session: Session | undefined, packet: StoredPacket, byNumbers: boolean): Entry | undefined {
    return session?.entries().find((entry) => {
      const known = this.#packetOf(entry);
      if (!byNumbers || known.brokerId !== packet.brokerId) return known.messageId === packet.messageId;
      return known.brokerCounter === packet.brokerCounter;
    });
  }

  #packetOf(entry: Entry): StoredPacket {
    const known = this.#packets.get(entry);
    if (known !== undefined) return known;
    const { message, qos, isRetained: retain, isDup: dup, packetId: messageId, phase } = entry;
    if (phase === 'released') return { cmd: 'pubrel', messageId };
    const { topic, payload } = message;
    return { cmd: 'publish', topic, payload, qos, retain, dup, messageId };
  }
}
