/**
 * One MQTT connection: who it is, which devices it speaks for, what of theirs it listens to, and its
 * ingest queue. It is opened with the socket and closed with the socket's `close`, whatever happens
 * in between; everything it attached is detached then.
 */
import type { Duplex } from 'node:stream';
import { addressKey, type AgentAddress } from '../base/address.ts';
import type { CodecName, ListenChannels, Publication } from '../actor/index.ts';
import { limits } from '../base/limits.ts';
import type { TopicMatch } from '../device/index.ts';
import { ClientSession } from './client-session.ts';
import type { BrokerContext } from './context.ts';
import { parseDownlinkFilter } from './downlink-filter.ts';
import { FramesFeed } from './frames-feed.ts';
import { IngestQueue } from './ingest-queue.ts';
import { Permissions } from './permissions.ts';
import type { PublishIntake } from './publish-intake.ts';
import { QueueHost } from './queue-host.ts';
import { Message } from './sessions/index.ts';
import { isReservedTopic } from './topics.ts';
import { saidGoodbye, type Client, type PublishCallback, type PublishPacket } from './mqtt-server.ts';

/** What CONNECT said. */
export interface ConnectFacts {
  readonly isClean: boolean;
  readonly willTopic: string | null;
}

type Route =
  | { readonly kind: 'device'; readonly match: TopicMatch }
  | { readonly kind: 'ordinary' | 'unmapped' | 'reserved' | 'denied' };

const ORDINARY: Route = { kind: 'ordinary' };
const UNMAPPED: Route = { kind: 'unmapped' };
const RESERVED: Route = { kind: 'reserved' };
const DENIED: Route = { kind: 'denied' };

/** See the head of this file. */
export class Connection {
  readonly number: number;
  readonly stream: Duplex;
  readonly client: Client;
  readonly queue: IngestQueue;
  /** Address it comes from. */
  readonly source: string;
  readonly permissions: Permissions;
  readonly session: ClientSession;
  /** User name without `?codec=`; null: none was given. */
  user: string | null = null;
  codec: CodecName | null = null;
  facts: ConnectFacts = { isClean: true, willTopic: null };
  /** Has PUBACKs that leave at the end of the tick. */
  intake: PublishIntake | null = null;
  /** Why it ended, as far as known before the socket closes. */
  endReason: string | null = null;

  readonly #context: BrokerContext;
  // Made with their first entry: an idle connection has none, and an empty Map takes 200 bytes.
  #attached: Map<string, AgentAddress> | null = null;
  #frames: Map<string, FramesFeed> | null = null;
  #phase: 'opened' | 'ready' | 'closed' = 'opened';
  #isAgentsLimitReported = false;
  /** Filters that are allowed, and whose turn has not come. */
  #filtersWaiting = 0;
  #lastTopic = '';
  #lastRoute: Route = ORDINARY;

  constructor(
    context: BrokerContext,
    { stream, source }: { readonly stream: Duplex; readonly source: string },
    client: Client,
  ) {
    this.#context = context;
    this.source = source;
    this.permissions = new Permissions(context, client, source);
    this.number = context.runtime.openConnectionId();
    this.stream = stream;
    this.client = client;
    this.session = new ClientSession(context, this);
    this.queue = new IngestQueue(new QueueHost(context, this));
  }

  /** Its filters, with those of a SUBSCRIBE that waits. */
  get filterCount(): number {
    return this.session.filterCount + this.#filtersWaiting;
  }

  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  get isClosed(): boolean {
    return this.#phase === 'closed';
  }

  /** One PUBLISH from the wire. `callback` acknowledges it, or with an error ends the connection. */
  publish(packet: PublishPacket, callback: PublishCallback): void {
    const context = this.#context;
    if (context.isStopping) return; // not taken, not acknowledged: the client resends
    const { topic, payload, qos } = packet;
    context.counters.messagesIn(qos);
    context.counters.bytesIn(payload.length);
    if (topic !== this.#lastTopic) this.#find(topic);
    const route = this.#lastRoute;
    switch (route.kind) {
      case 'device':
        if (payload.length > limits.devicePayloadBytesMax) {
          context.counters.denied('payload-too-large');
          callback(new Error(`payload over ${limits.devicePayloadBytesMax} bytes`));
          return;
        }
        this.queue.pushDevice(packet, route.match, callback);
        return;
      case 'reserved':
        context.counters.denied('reserved-topic');
        callback(new Error('topics below $SYS belong to the broker'));
        return;
      case 'denied':
        this.permissions.denied('publish', topic);
        // [MQTT-3.3.5-2] lets a server acknowledge what it throws away; here a PUBACK means "on disk".
        callback(new Error(`not allowed to publish to ${topic}`));
        return;
      case 'unmapped':
        context.counters.unmapped();
        context.log.debug({ topic, client: this.client.id }, 'publish to a device topic of no model');
        break;
      case 'ordinary':
        break;
    }
    this.queue.pushOrdinary(packet, callback);
  }

  /** CONNECT is complete, a stored session is restored. */
  ready(): void {
    if (this.#phase !== 'opened') return;
    this.#phase = 'ready';
    const will =
      this.facts.willTopic === null ? null : this.#context.registry.matchTopic(this.facts.willTopic);
    if (will?.channel === 'presence') this.#attach(will.address);
    this.#listen(this.session.attach());
  }

  /** A filter is allowed: calls `then` when it may be granted. */
  subscribe(filter: string, qos: 0 | 1 | 2, then: () => void): void {
    // What the client published before it subscribed must not come by the new subscription [MQTT-4.6.0-6].
    this.#filtersWaiting += 1;
    this.queue.whenPassed(() => {
      this.#filtersWaiting -= 1;
      this.session.subscribe(filter, qos, then);
    });
  }

  /** The SUBACK was sent; `filters` are those granted. */
  subscribed(filters: readonly string[]): void {
    if (this.#phase === 'closed') return;
    this.session.subscribed(filters);
    this.#listen(filters);
  }

  /** Also called by aedes when a clean connection closes; then `close` has the last word. */
  unsubscribed(filters: readonly string[]): void {
    if (this.#phase === 'closed') return;
    this.session.unsubscribed(filters);
    for (const filter of filters) {
      this.#frames?.get(filter)?.end(1000, 'unsubscribed');
      this.#frames?.delete(filter);
    }
  }

  /** One publication of an agent to this client only. */
  send({ topic, payload, qos, retain }: Publication): void {
    if (this.#phase === 'ready') this.session.push(new Message(topic, payload), qos, retain);
  }

  isAttachedTo(address: AgentAddress): boolean {
    return this.#attached?.has(addressKey(address)) === true;
  }

  destroy(reason: string): void {
    this.endReason ??= reason;
    this.stream.destroy();
  }

  /** The socket has closed. */
  close(): void {
    if (this.#phase === 'closed') return;
    const context = this.#context;
    this.#phase = 'closed';
    this.session.detach();
    const reason = this.endReason ?? (saidGoodbye(this.client) ? 'disconnect' : 'connection lost');
    for (const feed of this.#frames?.values() ?? []) feed.end(1001, reason);
    this.#frames = null;
    this.queue.close();
    if (!this.queue.isEmpty) context.linger(this.client.id, this.queue);
    for (const address of this.#attached?.values() ?? []) context.detach(address, this.number, reason);
    this.#attached = null;
  }

  #find(topic: string): void {
    const { registry } = this.#context;
    const match = registry.matchTopic(topic);
    this.#lastTopic = topic;
    if (!this.permissions.may('publish', topic)) {
      this.#lastRoute = DENIED;
    } else if (match !== null) {
      // Who calls an agent that is no device does not speak for it.
      if (match.definition !== null) this.#attach(match.address);
      this.#lastRoute = { kind: 'device', match };
    } else if (isReservedTopic(topic)) {
      this.#lastRoute = RESERVED;
    } else {
      this.#lastRoute = registry.isDeviceTopic(topic) ? UNMAPPED : ORDINARY;
    }
  }

  /** False when the connection speaks for as many agents as it may. */
  #attach(address: AgentAddress): boolean {
    const key = addressKey(address);
    if (this.#attached?.has(key) === true) return true;
    if (this.#phase === 'closed') return false;
    const attached = (this.#attached ??= new Map());
    if (attached.size >= limits.agentsPerMqttConnectionMax) {
      if (!this.#isAgentsLimitReported) {
        this.#context.log.warn({ client: this.client.id }, 'mqtt connection speaks for too many devices');
      }
      this.#isAgentsLimitReported = true;
      this.#context.counters.denied('agents-limit');
      return false;
    }
    attached.set(key, address);
    this.#context.attach(address, this.number, this.codec);
    return true;
  }

  #listen(filters: readonly string[]): void {
    const channels = new Map<string, { address: AgentAddress } & ListenChannels>();
    for (const filter of filters) {
      const downlink = parseDownlinkFilter(filter);
      if (downlink === null) continue;
      const { address } = downlink;
      if (this.#context.registry.get(address.model) === undefined || !this.#attach(address)) continue;
      if (downlink.frames && this.#frames?.has(filter) !== true) {
        this.#openFrames(filter, address);
      }
      const key = addressKey(address);
      const { command = false, desired = false } = channels.get(key) ?? {};
      channels.set(key, {
        address,
        command: command || downlink.command,
        desired: desired || downlink.desired,
      });
    }
    for (const { address, command, desired } of channels.values()) {
      if (command || desired)
        this.#context.runtime.deviceListening(address, this.number, { command, desired });
    }
  }

  #openFrames(topic: string, address: AgentAddress): void {
    const feed = new FramesFeed(
      (payload) => this.send({ topic, payload, qos: 0, retain: false, connection: this.number }),
      () => void this.#frames?.delete(topic),
    );
    (this.#frames ??= new Map()).set(topic, feed);
    const { codec, user } = this;
    const details = { address, transport: 'mqtt', codec, uri: topic, user } as const;
    feed.open(this.#context.runtime.openConnection(details, feed));
  }
}
