/**
 * The publishes of one MQTT connection on their way to their agents, in order of arrival. aedes hands
 * over a whole read chunk at once and acknowledges in the order of the callbacks, so this queue decides
 * the order ([MQTT-4.6.0-2]), and holding callbacks back is the backpressure: aedes reads no further.
 *
 * An entry: waiting (the runtime has it) -> ready (accepted) | held (busy) | dropped. An ordinary publish
 * starts as ready, and so does a QoS 2 packet whose id the session knows.
 *
 * I1 What is ready is passed on in order of arrival, each at most once.
 * I2 While an entry is held, nothing behind it is given to the runtime.
 * I3 A copy (DUP) of a waiting publish shares its outcome and is not delivered a second time.
 * I4 QoS 0 waits only when the runtime is congested or I2 demands it.
 */
import type { ActorRuntime, Delivery, DeviceMessage } from '../actor/index.ts';
import { limits } from '../base/limits.ts';
import type { TopicMatch } from '../device/index.ts';
import type { BrokerCounters } from './counters.ts';
import type { PublishCallback, PublishPacket } from './mqtt-server.ts';

/** What the queue needs from the connection it belongs to. */
export interface IngestHost {
  readonly connection: number;
  readonly runtime: ActorRuntime;
  readonly counters: BrokerCounters;
  /** The same packet id of the same client, still in flight on an earlier connection. */
  findEarlier(packetId: number): Pending | null;
  /** Whether the session has taken this QoS 2 packet before, and awaits its PUBREL. */
  isAwaitingRelease(packet: PublishPacket): boolean;
  /** To ordinary subscribers, then acknowledged by the callback; null: the publisher has gone. */
  pass(packet: PublishPacket, callback: PublishCallback | null): void;
  /** Ends the connection without acknowledging. */
  end(reason: string): void;
  /** Nothing is in flight any more. */
  drained(): void;
}

type PendingState = 'waiting' | 'held' | 'ready' | 'dropped';

const LATENCY_SAMPLE_MASK = 15; // 1 in 16

/** One publish in the queue. Objects are reused, so that a publish costs no closure of its own. */
export class Pending {
  readonly queue: IngestQueue;
  readonly settle: (outcome: Delivery) => void;
  state: PendingState = 'ready';
  packet: PublishPacket | null = null;
  /** Null: an ordinary publish. */
  match: TopicMatch | null = null;
  callback: PublishCallback | null = null;
  next: Pending | null = null;
  /** A copy which shares this one's outcome. */
  follower: Pending | null = null;
  /** 0: not sampled. */
  startedAtMs = 0;

  constructor(queue: IngestQueue) {
    this.queue = queue;
    this.settle = (outcome) => queue.settled(this, outcome);
  }
}

/** See the head of this file. */
export class IngestQueue {
  readonly #host: IngestHost;
  #head: Pending | null = null;
  #tail: Pending | null = null;
  #length = 0;
  #free: Pending | null = null;
  #isBlocked = false;
  #isClosed = false;
  #retry: NodeJS.Timeout | null = null;
  #samples = 0;
  /** Made with the first publish that needs no outcome. */
  #forget: ((outcome: Delivery) => void) | null = null;

  constructor(host: IngestHost) {
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#head === null;
  }

  /** A publish to a device's topic. */
  pushDevice(packet: PublishPacket, match: TopicMatch, callback: PublishCallback): void {
    const { runtime } = this.#host;
    if (packet.qos === 0 && !this.#isBlocked && !runtime.isCongested()) {
      this.#forget ??= (outcome) => {
        if (outcome === 'busy') this.#host.counters.denied('busy');
      };
      runtime.deliver(deviceMessage(packet, match, this.#host.connection), this.#forget);
      this.#host.pass(packet, callback);
      return;
    }
    const pending = this.#append(packet, match, callback);
    if (pending === null) return;
    if ((++this.#samples & LATENCY_SAMPLE_MASK) === 0) pending.startedAtMs = performance.now();
    if (packet.qos > 0 && this.#isCopy(pending)) return;
    if (this.#isBlocked) pending.state = 'held';
    else this.#deliver(pending);
  }

  /** Any other publish: goes on when all earlier ones have their outcome. */
  pushOrdinary(packet: PublishPacket, callback: PublishCallback): void {
    if (this.#head === null) this.#host.pass(packet, callback);
    else this.#append(packet, null, callback);
  }

  /** Calls `then` when everything that has arrived until now was passed on; not at all when the connection ends before. */
  whenPassed(then: () => void): void {
    if (this.#head === null) then();
    else this.#append(null, null, then);
  }

  /** The outcome of a delivery. */
  settled(pending: Pending, outcome: Delivery): void {
    switch (outcome) {
      case 'accepted':
        pending.state = 'ready';
        this.#passOn(pending, 'accepted');
        if (this.#isBlocked) this.#unblock();
        break;
      case 'busy':
        if (this.#isClosed) this.#drop(pending);
        else this.#hold(pending);
        break;
      case 'stopping':
        pending.state = 'dropped';
        this.#passOn(pending, 'stopping');
        if (!this.#isClosed) this.#host.end('stopping');
        break;
    }
    this.#flush();
  }

  /** A device publish with this packet id which is not acknowledged yet. */
  find(packetId: number): Pending | null {
    for (let pending = this.#head; pending !== null; pending = pending.next) {
      const isMatch = pending.match !== null && pending.packet?.messageId === packetId;
      if (isMatch && pending.packet?.qos !== 0 && pending.state !== 'dropped') return pending;
    }
    return null;
  }

  /** The connection has gone. What the runtime already has keeps its place and is forwarded. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (let pending = this.#head; pending !== null; pending = pending.next) {
      if (pending.state === 'held') this.#drop(pending);
    }
    this.#flush();
  }

  #append(packet: PublishPacket | null, match: TopicMatch | null, callback: PublishCallback): Pending | null {
    if (this.#length >= limits.mqttPublishesWaitingMax) {
      this.#host.counters.denied('in-flight-limit');
      this.#host.end('too many publishes in flight');
      return null;
    }
    const pending = this.#free ?? new Pending(this);
    this.#free = pending.next;
    pending.packet = packet;
    pending.match = match;
    pending.callback = callback;
    pending.state = 'ready';
    pending.next = null;
    if (this.#tail === null) this.#head = pending;
    else this.#tail.next = pending;
    this.#tail = pending;
    this.#length += 1;
    return pending;
  }

  #deliver(pending: Pending): void {
    const { packet, match } = pending;
    if (packet === null || match === null) return;
    pending.state = 'waiting';
    this.#host.runtime.deliver(deviceMessage(packet, match, this.#host.connection), pending.settle);
  }

  /** I3 */
  #isCopy(copy: Pending): boolean {
    const { packet } = copy;
    if (packet?.messageId === undefined) return false;
    if (packet.dup) {
      let original = this.find(packet.messageId);
      if (original === copy || original === null) original = this.#host.findEarlier(packet.messageId);
      if (original !== null) {
        while (original.follower !== null) original = original.follower;
        original.follower = copy;
        copy.state = 'waiting';
        if (original.state === 'ready') copy.settle('accepted');
        return true;
      }
    }
    // Taken before: PUBREC again, no second delivery [MQTT-4.3.3-2]. It is ready as it is.
    if (packet.qos !== 2 || !this.#host.isAwaitingRelease(packet)) return false;
    if (this.#head === copy) this.#flush();
    return true;
  }

  #hold(pending: Pending): void {
    this.#host.counters.denied('busy');
    pending.state = 'held';
    this.#isBlocked = true;
    this.#retry ??= setTimeout(() => this.#probe(), limits.mqttBusyRetryMs);
  }

  /** Offers the first held entry again; when it is accepted the rest follows. */
  #probe(): void {
    this.#retry = null;
    for (let pending = this.#head; pending !== null; pending = pending.next) {
      if (pending.state === 'waiting') return; // its outcome continues
      if (pending.state === 'held') return this.#deliver(pending);
    }
  }

  #unblock(): void {
    this.#isBlocked = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    for (let pending = this.#head; pending !== null; pending = pending.next) {
      if (pending.state === 'held') this.#deliver(pending);
    }
  }

  #drop(pending: Pending): void {
    pending.state = 'dropped';
    this.#passOn(pending, 'busy');
  }

  /** Gives a copy its original's outcome; `busy` makes the copy a delivery of its own. */
  #passOn(pending: Pending, outcome: Delivery): void {
    const { follower } = pending;
    if (follower === null || follower.state !== 'waiting') return;
    if (outcome === 'busy') pending.follower = null;
    follower.settle(outcome);
  }

  #flush(): void {
    const wasEmpty = this.#head === null;
    let pending = this.#head;
    while (pending !== null && (pending.state === 'ready' || pending.state === 'dropped')) {
      this.#head = pending.next;
      if (this.#head === null) this.#tail = null;
      this.#length -= 1;
      this.#complete(pending);
      pending = this.#head;
    }
    if (!wasEmpty && this.#head === null) this.#host.drained();
  }

  #complete(pending: Pending): void {
    const { packet, callback, state, startedAtMs, follower } = pending;
    pending.packet = null;
    pending.match = null;
    pending.callback = null;
    pending.follower = null;
    pending.startedAtMs = 0;
    pending.next = this.#free;
    this.#free = pending;
    if (state === 'dropped' || callback === null) return;
    if (packet === null) {
      if (!this.#isClosed) callback(null);
    } else if (!this.#isClosed) {
      if (startedAtMs > 0) this.#host.counters.pubackLatencyMs(performance.now() - startedAtMs);
      this.#host.pass(packet, callback); // acknowledged before this returns, unless something has to be stored
    } else if (follower === null) {
      this.#host.pass(packet, null); // a copy that came on another connection passes it on itself
    }
  }
}

function deviceMessage(packet: PublishPacket, match: TopicMatch, connection: number): DeviceMessage {
  const { payload, qos } = packet;
  return {
    address: match.address,
    channel: match.channel,
    subject: match.subject,
    qos,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    connection,
  };
}
