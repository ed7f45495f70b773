import { addressKey, type AgentAddress } from '../base/address.ts';
import type { ActorRuntime, CodecName } from '../actor/index.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Registry } from '../device/index.ts';
import type { Identities } from '../identity/index.ts';
import type { BrokerCounters } from './counters.ts';
import { Flapping, WaitingRoom, type RateLimits, type Visitor } from './edge/index.ts';
import type { GuardLimits } from './guard/index.ts';
import type { IngestQueue, Pending } from './ingest-queue.ts';
import type { Sessions } from './sessions/index.ts';

export interface BrokerContextOptions {
  readonly runtime: ActorRuntime;
  readonly registry: Registry;
  readonly log: Log;
  readonly counters: BrokerCounters;
  /** Remaining length an MQTT packet may have, in bytes. */
  readonly packetBytesMax: number;
  readonly identities: Identities | null;
  readonly sessions: Sessions;
  readonly edge: EdgeLimits;
}

/** What one client, or one address, may take. */
export interface EdgeLimits extends RateLimits {
  readonly connectionsPerSourceMax: number;
  readonly connectsPerSecondMax: number;
  readonly connectsPerMinuteMax: number;
}

/** What all connections of one broker share. Maps are bounded by the limits on connections and sessions. */
export class BrokerContext {
  readonly runtime: ActorRuntime;
  readonly registry: Registry;
  readonly log: Log;
  readonly counters: BrokerCounters;
  readonly guardLimits: GuardLimits;
  /** Null: everybody may connect and do everything. */
  readonly identities: Identities | null;
  readonly sessions: Sessions;
  readonly rateLimits: RateLimits;
  readonly flapping: Flapping;
  readonly room: WaitingRoom;
  /** Set by the broker: begins to read from a connection. */
  onOpen: (visitor: Visitor) => void = () => undefined;
  isStopping = false;
  /** Called when a queue has emptied; the broker waits for that at stop. */
  onDrained: () => void = () => undefined;

  /** How many connections speak for an agent, by address key. */
  readonly #attachments = new Map<string, number>();
  /** Queues of closed connections whose publishes are still in flight, by client id. */
  readonly #lingering = new Map<string, Set<IngestQueue>>();

  constructor(options: BrokerContextOptions) {
    this.runtime = options.runtime;
    this.registry = options.registry;
    this.log = options.log;
    this.counters = options.counters;
    this.identities = options.identities;
    this.sessions = options.sessions;
    this.rateLimits = options.edge;
    this.flapping = new Flapping(options.edge.connectsPerMinuteMax);
    this.room = new WaitingRoom({
      ...options.edge,
      denied: (reason) => this.counters.denied(reason),
      open: (visitor) => this.onOpen(visitor),
    });
    this.guardLimits = {
      connectBytesMax: Math.min(limits.mqttConnectBytesMax, options.packetBytesMax),
      packetBytesMax: options.packetBytesMax,
    };
  }

  attach(address: AgentAddress, connection: number, codec: CodecName | null): void {
    const key = addressKey(address);
    this.#attachments.set(key, (this.#attachments.get(key) ?? 0) + 1);
    this.runtime.attachDevice(address, connection, codec);
  }

  detach(address: AgentAddress, connection: number, reason: string): void {
    const key = addressKey(address);
    const left = (this.#attachments.get(key) ?? 1) - 1;
    if (left === 0) this.#attachments.delete(key);
    else this.#attachments.set(key, left);
    this.runtime.detachDevice(address, connection, reason);
  }

  attachmentCount(address: AgentAddress): number {
    return this.#attachments.get(addressKey(address)) ?? 0;
  }

  linger(clientId: string, queue: IngestQueue): void {
    const queues = this.#lingering.get(clientId) ?? new Set();
    this.#lingering.set(clientId, queues.add(queue));
  }

  /** A queue of the client has emptied. */
  drained(clientId: string | null, queue: IngestQueue): void {
    const queues = clientId === null ? undefined : this.#lingering.get(clientId);
    if (clientId !== null && queues?.delete(queue) === true && queues.size === 0) {
      this.#lingering.delete(clientId);
    }
    this.onDrained();
  }

  findEarlier(clientId: string, packetId: number): Pending | null {
    for (const queue of this.#lingering.get(clientId) ?? []) {
      const pending = queue.find(packetId);
      if (pending !== null) return pending;
    }
    return null;
  }
}
