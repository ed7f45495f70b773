/**
 * The one interface through which broker and gateway meet the agents. Its implementation
 * (`runtime.ts`) packs what is said here into one buffer per tick and hands it to the shard that
 * owns the agent; the shard journals, runs turns and answers the same way.
 *
 * Invariants a caller may rely on:
 * I1 `deliver` outcomes come in the order of the calls, per agent and per calling thread; that of a QoS 0 message which
 *    is refused comes at once. What was refused is never applied, and nothing overtakes it before that is said.
 * I2 `accepted` for a durable message means: fsynced. It will be applied, also after a crash.
 * I3 Effects of a turn (frames, publishes, replies) arrive only after the turn was committed.
 */
import type { AgentAddress } from '../base/address.ts';

/** What a device says. Names are those of the topics. */
export type DeviceChannel = 'telemetry' | 'reported' | 'result' | 'call' | 'presence';

export interface DeviceMessage {
  readonly address: AgentAddress;
  readonly channel: DeviceChannel;
  /** result: the correlation id; call: `method/cid`; else empty. */
  readonly subject: string;
  readonly qos: 0 | 1 | 2;
  readonly payload: Uint8Array;
  /** The MQTT connection it came by (`openConnectionId()`), 0 when there is none left (a will). */
  readonly connection: number;
}

/**
 * accepted: journaled. busy: refused because limits are reached, nothing kept.
 * stopping: the bridge is going down; the sender must resend later.
 */
export type Delivery = 'accepted' | 'busy' | 'stopping';

export type CodecName = 'json' | 'cbor';

export interface ConnectionDetails {
  readonly address: AgentAddress;
  readonly transport: 'websocket' | 'mqtt';
  /** null: the agent decides (an MQTT connection that chose none). */
  readonly codec: CodecName | null;
  /** Request target of the WebSocket upgrade, e.g. `/agents/pump/p1?x=1`; MQTT: the frames topic. */
  readonly uri: string;
  /** Authenticated identity, if any. */
  readonly user: string | null;
}

/** The outer end of a connection, implemented by broker and gateway. Must not throw. */
export interface ConnectionSink {
  /** Sends one encoded frame. `isText`: a WebSocket text frame (JSON). The bytes are read-only and shared. */
  send(frame: Uint8Array, isText: boolean): void;
  /** Ends the connection with a WebSocket close code (RFC 6455 section 7.4.1). */
  close(code: number, reason: string): void;
}

/** A protocol connection of an agent (WebSocket, or an MQTT subscription to its frames topic). */
export interface ConnectionHandle {
  readonly connection: number;
  /** One inbound frame, exactly as received. */
  receive(frame: Uint8Array, isText: boolean): void;
  closed(code: number, reason: string, wasClean: boolean): void;
}

/** A packet from an agent to the MQTT side. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** 0: route to all subscribers; else only to this MQTT connection. */
  readonly connection: number;
}

/** Which of its downlink topics a device has just subscribed to. */
export interface ListenChannels {
  readonly command: boolean;
  readonly desired: boolean;
}

export type Readiness =
  | { readonly kind: 'starting' }
  | { readonly kind: 'replaying'; readonly applied: number; readonly total: number }
  | { readonly kind: 'ready' }
  | { readonly kind: 'disk-full'; readonly sinceMs: number }
  | { readonly kind: 'stopping' };

export interface RequestOptions {
  /** Changes something: journaled before it is applied, like a device's message. Default false. */
  readonly durable?: boolean;
  /** Brings the agent into being if it does not exist. Default false. */
  readonly create?: boolean;
  /** Time to wait for the answer, in ms; default `limits.requestTimeoutMs`. */
  readonly timeoutMs?: number;
}

export interface ActorRuntime {
  /** A number no other connection of this process has or had. */
  openConnectionId(): number;
  /** Journals one device message. `done` is called exactly once, never before `deliver` returned. */
  deliver(message: DeviceMessage, done: (outcome: Delivery) => void): void;
  /** Calls `done` once everything delivered before it (from any caller) has its outcome. */
  fence(done: () => void): void;
  /** Whether so much is waiting that QoS 0 must wait for its outcome too. */
  isCongested(): boolean;

  /** An MQTT connection speaks for this device from now on (presence: online). */
  attachDevice(address: AgentAddress, connection: number, codec: CodecName | null): void;
  /** ... and no longer (presence: offline unless another connection is attached). */
  detachDevice(address: AgentAddress, connection: number, reason: string): void;
  /** The connection subscribed to downlink topics: send it what is due (pending commands, delta). */
  deviceListening(address: AgentAddress, connection: number, channels: ListenChannels): void;

  openConnection(details: ConnectionDetails, sink: ConnectionSink): ConnectionHandle;

  /**
   * Asks an agent (or, with null, the shards themselves: `list`, `stats`) and resolves with its JSON
   * answer. Rejects with a BridgeError, whose code tells the HTTP status.
   */
  request(
    address: AgentAddress | null,
    name: string,
    body: unknown,
    options?: RequestOptions,
  ): Promise<unknown>;

  /** Where publications of agents go; set once by the broker. */
  onPublish(handler: (publication: Publication) => void): void;
  readiness(): Readiness;
  /** Stops taking messages, finishes turns, commits. Never rejects. */
  stop(): Promise<void>;
}
