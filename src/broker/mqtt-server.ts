/**
 * aedes 1.2.0 as this bridge uses it. Facts found in its source, each with what is done about it:
 *
 * 1. A subscriber drops a message as a duplicate when its number is lower than the last one it got, but
 *    QoS 1 and retained messages pass through promises and are overtaken by a QoS 0 message published
 *    in the same tick: the QoS 1 message is lost. QoS 0 gets number sequences of its own here.
 * 2. mqemitter with a concurrency limit queues without bound behind one frozen subscriber and stops
 *    everybody. It runs without that limit; `isTooSlow` bounds what waits in each socket instead, and
 *    the drain timeout ends a socket which does not move.
 * 3. What nobody subscribes to still passes persistence and emitter: `publish` ends it first.
 * 4. Its parser takes packets of 256 MB, text that is none, wildcards inside of a level, packet id 0 and more: what was
 *    read passes a guard first (`guardClient`).
 */
import { Aedes, type AedesOptions, type Client, type PublishPacket } from 'aedes';
import { limits } from '../base/limits.ts';
import { GuardedInput, type GuardLimits, type Violation } from './guard/index.ts';

export type { Client, PublishPacket, Subscription } from 'aedes';
export type PublishCallback = (error?: Error | null) => void;

/** What aedes has at run time beyond its declarations; checked by the tests of this room. */
interface AedesInternals {
  readonly persistence: {
    incomingGetPacket(client: Client, packet: PublishPacket): Promise<unknown>;
  };
}

interface ClientInternals {
  /** Set when a DISCONNECT packet ended the connection. */
  readonly _disconnected: boolean;
  /** Called with each piece read from the socket. */
  readonly _parser: { parse(bytes: Buffer): number };
}

/** What aedes-packet adds: a sequence's name and the number in it. */
type NumberedPacket = PublishPacket & { brokerId?: string; brokerCounter?: number };

type PublishDone = (error?: Error) => void;
type PublishWithClient = (packet: PublishPacket, client: Client, done?: PublishDone) => void;

/** aedes with the three corrections above. */
export class MqttServer extends Aedes {
  readonly #hasSubscribers: (client: Client, topic: string) => boolean;
  #sequence = 0;

  constructor(options: AedesOptions, hasSubscribers: (client: Client, topic: string) => boolean) {
    super({ ...options, concurrency: 0 });
    this.#hasSubscribers = hasSubscribers;
  }

  /** aedes calls it with the publishing client for packets from the wire, and without for its own. */
  override publish(packet: PublishPacket, done: PublishDone): void;
  override publish(packet: PublishPacket, client: Client, done: PublishDone): void;
  override publish(packet: PublishPacket, second: Client | PublishDone, third?: PublishDone): void {
    if (typeof second === 'function') {
      super.publish(this.#numbered(packet), second);
      return;
    }
    if (third !== undefined && !packet.retain && !this.#hasSubscribers(second, packet.topic)) {
      third();
      return;
    }
    // The declaration lacks the form with a client, which aedes itself uses for every packet it gets.
    const publish = super.publish as unknown as PublishWithClient;
    publish.call(this, this.#numbered(packet), second, third);
  }

  /** One packet to one client only. QoS 1 to a persistent session is kept until acknowledged. */
  publishTo(client: Client, packet: PublishPacket, done: PublishDone): void {
    client.publish(this.#numbered(packet, true), done);
  }

  /** Whether the session holds this QoS 2 packet id, i.e. it awaits PUBREL. Never rejects. */
  async isAwaitingRelease(client: Client, packet: PublishPacket): Promise<boolean> {
    const { persistence } = this as unknown as AedesInternals; // set by listen(), not declared
    try {
      await persistence.incomingGetPacket(client, packet);
      return true;
    } catch {
      return false; // it rejects with "no such packet"
    }
  }

  #numbered(packet: PublishPacket, isDirect = false): PublishPacket {
    if (packet.qos !== 0) return packet; // session storage finds QoS 1 and 2 by the broker's own id
    const numbered: NumberedPacket = packet;
    numbered.brokerId = `${isDirect ? 'direct' : 'all'}${packet.retain ? ' retained' : ''}`;
    numbered.brokerCounter = ++this.#sequence;
    return numbered;
  }
}

/** Lets the guard see what is read from the client's socket before aedes' parser does. */
export function guardClient(
  client: Client,
  guardLimits: GuardLimits,
  refuse: (violation: Violation) => void,
): GuardedInput {
  const { _parser: parser } = client as unknown as ClientInternals; // not declared by aedes
  const parse = parser.parse.bind(parser);
  const input = new GuardedInput(guardLimits, parse, refuse);
  parser.parse = (bytes) => {
    input.take(bytes);
    return 0; // what is left over, for which aedes does not look
  };
  // aedes' own listener came first: the packets it kept itself are handled by then.
  client.once('connected', () => input.connected());
  return input;
}

/** Whether the client said goodbye with a DISCONNECT packet. */
export function saidGoodbye(client: Client): boolean {
  return (client as unknown as ClientInternals)._disconnected; // not declared by aedes
}

/** Whether more waits in this client's socket than it may: it reads too slowly. */
export function isTooSlow(client: Client): boolean {
  return client.conn.writableLength > limits.socketBufferBytesMax;
}
