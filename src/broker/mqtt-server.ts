/**
 * aedes 1.2.0 as this bridge uses it: it reads packets, does CONNECT, SUBSCRIBE and the acknowledgements. Whom a message
 * is for, and what is sent to a client when, is decided in `sessions/`; see ADR 0015 for what of aedes that replaces.
 * Facts found in its source, each with what is done about it:
 *
 * 1. What aedes calls `publish` for was routed before it is acknowledged (connection.ts), or is a topic below $SYS,
 *    which nobody may hear: `publish` does nothing, and its emitter has no subscribers.
 * 2. It sends what a session has kept, and retained messages, as fast as the socket takes them, without DUP and without
 *    a window. Its persistence here has nothing of it to send.
 * 3. It finds a session only by its subscriptions [MQTT-3.2.2-2]: one without any gets a mark for one, which is taken
 *    back where subscriptions are allowed (`SESSION_MARK`).
 * 4. It stores filters that were denied. They are stored where they are allowed, before the SUBACK.
 * 5. Wills of brokers whose heartbeat it did not hear are published by it, its own among them: it knows itself alive.
 * 6. Its parser and what it does with a PUBLISH cost more than all else of one: those of QoS 0 and 1 go around it, from
 *    the guard to the connection (publish-intake.ts).
 * 7. It reads as fast as it can. Its function for that is replaced by one that does the same and knows a throttle.
 * 8. Its parser takes packets of 256 MB, text that is none, wildcards inside of a level, packet id 0 and more: what was
 *    read passes a guard first (`guardClient`).
 */
import { Readable } from 'node:stream';
import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes';
import { Throttle, type RateLimits } from './edge/index.ts';
import { GuardedInput, type GuardLimits, type Violation } from './guard/index.ts';
import { PublishIntake, type IntakeClient } from './publish-intake.ts';
import {
  SessionPersistence,
  type PersistentClient,
  type Sessions,
  type StoredPacket,
  type StoredSubscription,
} from './sessions/index.ts';

export type { Client, PublishPacket } from 'aedes';
export type PublishCallback = (error?: Error | null) => void;

interface ClientInternals extends IntakeClient {
  /** Set when a DISCONNECT packet ended the connection. */
  readonly _disconnected: boolean;
  /** Called with each piece read from the socket. */
  readonly _parser: { parse(bytes: Buffer): number };
  /** Reads the next piece when all packets of the one before were handled; called after each. */
  _nextBatch: (error?: Error | null) => void;
  readonly connackSent: boolean;
  /** While the client is authenticated. */
  readonly _paused: boolean;
}

type PublishDone = (error?: Error) => void;

/** Stands for the subscriptions of a session that has none. No client can send it [MQTT-1.5.3-2]. */
export const SESSION_MARK = '\0';

/** See the head of this file. */
export class MqttServer extends Aedes {
  constructor(options: AedesOptions, sessions: Sessions, keepsWill: (topic: string) => boolean) {
    super({ ...options, concurrency: 0, persistence: new ServedPersistence(sessions, keepsWill) });
    Object.assign(this.brokers, { [this.id]: Infinity });
  }

  override publish(packet: PublishPacket, done: PublishDone): void;
  override publish(packet: PublishPacket, client: Client, done: PublishDone): void;
  override publish(_packet: PublishPacket, second: Client | PublishDone, third?: PublishDone): void {
    if (typeof second === 'function') second();
    else third?.();
  }

  override subscribe(_topic: string, _deliver: unknown, done: () => void): void {
    done();
  }

  override unsubscribe(_topic: string, _deliver: unknown, done?: () => void): void {
    done?.();
  }
}

/** What aedes may do with the sessions by itself. */
class ServedPersistence extends SessionPersistence {
  readonly #keepsWill: (topic: string) => boolean;

  constructor(sessions: Sessions, keepsWill: (topic: string) => boolean) {
    super(sessions);
    this.#keepsWill = keepsWill;
  }

  override addSubscriptions(): Promise<void> {
    return Promise.resolve();
  }

  override async subscriptionsByClient(client: PersistentClient): Promise<StoredSubscription[]> {
    // The session was opened when the client was authenticated, new or not.
    const session = this.sessions.kept(client.id);
    if (session === undefined || session.isNew) return [];
    const found = await super.subscriptionsByClient(client);
    return found.length > 0 ? found : [{ topic: SESSION_MARK, qos: 0 }];
  }

  override createRetainedStreamCombi(): Readable {
    return Readable.from([]);
  }

  override outgoingStream(): Readable {
    return Readable.from([]);
  }

  /** A PUBREC is answered with PUBREL even when it is not known any more, so that the client gets on. */
  override async outgoingUpdate(client: PersistentClient, packet: StoredPacket): Promise<void> {
    this.sessions.find(client.id)?.released(packet.messageId ?? 0);
    await this.sessions.log.committed();
  }

  protected override keepsWill(topic: string): boolean {
    return this.#keepsWill(topic);
  }
}

/** What is let through from a client's socket, how fast, and who is told. */
export interface GuardOptions {
  readonly guardLimits: GuardLimits;
  readonly rateLimits: RateLimits;
  /** Takes what needs no parser. */
  publish(packet: PublishPacket, callback: PublishCallback): void;
  refuse(violation: Violation): void;
  /** It sent more than it may, and is not read for a while. */
  throttled(): void;
}

/**
 * Lets the guard see what is read from the client's socket before aedes does, and `publish` take what needs no parser;
 * reads no faster than the client may send.
 */
export function guardClient(client: Client, options: GuardOptions): PublishIntake {
  const inside = internals(client);
  const { _parser: parser } = inside;
  const parse = parser.parse.bind(parser);
  const intake = new PublishIntake(inside, (packet, callback) => options.publish(packet, callback));
  const guard = new GuardedInput(
    options.guardLimits,
    parse,
    (packet, payload) => intake.take(packet, payload),
    options.refuse,
  );
  const throttle = readWithin(client, options.rateLimits);
  parser.parse = (bytes) => {
    intake.during(() => guard.take(bytes));
    // What precedes the CONNACK is bounded by other limits.
    if (inside.connackSent && throttle().count(guard.takeRequests(), bytes.length)) options.throttled();
    return 0; // what is left over, for which aedes does not look
  };
  // aedes' own listener came first: the packets it kept itself are handled by then.
  client.once('connected', () => intake.during(() => guard.connected()));
  client.conn.once('close', () => guard.close());
  // Its first bytes were there before aedes was.
  if (client.conn.readableLength > 0) inside._nextBatch();
  return intake;
}

/** Puts a throttle into the place where aedes reads; it is made with its first use, for many clients never send. */
function readWithin(client: Client, rateLimits: RateLimits): () => Throttle {
  const inside = internals(client);
  const { conn } = client;
  let throttle: Throttle | null = null;
  const read = (): void => {
    inside._parsingBatch = 0;
    if (throttle?.isHolding === true) return;
    const bytes: unknown = conn.read();
    if (bytes instanceof Buffer) inside._parser.parse(bytes);
  };
  const aedesReads = inside._nextBatch;
  inside._nextBatch = (error) => {
    if (error) client.emit('error', error);
    else if (!inside._paused && --inside._parsingBatch <= 0) read();
  };
  conn.removeListener('readable', aedesReads);
  conn.on('readable', () => inside._nextBatch());
  const make = (): Throttle => {
    const made = new Throttle(rateLimits, {
      resume: () => {
        if (inside._parsingBatch <= 0) read();
      },
      excuse: () => inside._keepaliveTimer?.refresh(),
    });
    conn.once('close', () => made.close());
    return made;
  };
  return () => (throttle ??= make());
}

/** Whether the client said goodbye with a DISCONNECT packet. */
export function saidGoodbye(client: Client): boolean {
  return internals(client)._disconnected;
}

/** Calls `then` when the client's socket takes more, or is gone; ends it when it does not in time. */
export function whenDrained(client: Client, then: () => void): void {
  internals(client).waitForDrain(then);
}

function internals(client: Client): ClientInternals {
  return client as unknown as ClientInternals; // not declared by aedes; checked by the tests of this room
}
