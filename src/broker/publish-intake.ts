/**
 * The PUBLISH packets of one client that need no parser, on their way from the guard to the connection and back. For
 * aedes they are packets under way as its own are: it reads no further while it has some, which is the backpressure.
 *
 * I1 PUBACKs leave in the order of the callbacks [MQTT-4.6.0-2], those of one tick in one write. aedes writes those of
 *    packets it parsed itself: `flush` comes before.
 */
import type { Duplex } from 'node:stream';
import type { QuickPublish } from './guard/index.ts';
import type { PublishCallback, PublishPacket } from './mqtt-server.ts';

/** aedes' client, as far as this needs it. */
export interface IntakeClient {
  readonly conn: Duplex;
  readonly closed: boolean;
  readonly _keepaliveInterval: number;
  readonly _keepaliveTimer: NodeJS.Timeout | null;
  /** Packets that were not answered yet. */
  _parsingBatch: number;
  /** One of them was: the last one reads on. With an error it ends the connection. */
  _nextBatch(error?: Error | null): void;
  /** Ends the connection when its socket takes nothing for the drain timeout. */
  waitForDrain(done: (error?: Error | null) => void): void;
}

const PUBACK_BYTES = 4;

/** See the head of this file. */
export class PublishIntake {
  readonly #client: IntakeClient;
  readonly #publish: (packet: PublishPacket, callback: PublishCallback) => void;
  /** Packet ids whose PUBACK leaves at the end of the tick. */
  #acks: number[] = [];
  #isReading = false;
  #hasTaken = false;

  constructor(client: IntakeClient, publish: (packet: PublishPacket, callback: PublishCallback) => void) {
    this.#client = client;
    this.#publish = publish;
  }

  /** Reads one piece from the socket: what it calls meanwhile is `take`. */
  during(parse: () => void): void {
    this.#isReading = true;
    parse();
    this.#isReading = false;
    if (!this.#hasTaken) return;
    this.#hasTaken = false;
    const { _keepaliveInterval, _keepaliveTimer } = this.#client;
    if (_keepaliveInterval > 0) _keepaliveTimer?.refresh(); // [MQTT-3.1.2-24]
  }

  take({ topic, qos, isDup, isRetained, packetId }: QuickPublish, payload: Buffer): void {
    const client = this.#client;
    if (client.closed || client.conn.destroyed) return;
    this.#hasTaken = true;
    client._parsingBatch++;
    const packet: PublishPacket = {
      cmd: 'publish',
      topic,
      payload,
      qos,
      dup: isDup,
      retain: isRetained,
    };
    if (qos === 0) {
      this.#publish(packet, this.#unacknowledged);
      return;
    }
    packet.messageId = packetId;
    this.#publish(packet, (error) => {
      if (error instanceof Error) this.#fail(error);
      else this.#acknowledge(packetId);
    });
  }

  /** Writes the PUBACKs that wait for the end of the tick. */
  flush(): void {
    const { conn, closed } = this.#client;
    const count = this.#acks.length;
    if (count === 0) return;
    const bytes = Buffer.allocUnsafe(count * PUBACK_BYTES);
    for (let i = 0; i < count; i++) {
      const packetId = this.#acks[i]!;
      const at = i * PUBACK_BYTES;
      bytes[at] = 0x40;
      bytes[at + 1] = 2;
      bytes[at + 2] = packetId >> 8;
      bytes[at + 3] = packetId & 0xff;
    }
    this.#acks = [];
    if (closed || conn.destroyed || conn.writableEnded) return;
    if (conn.write(bytes)) this.#finished(count);
    else this.#client.waitForDrain((error) => this.#finished(count, error));
  }

  readonly #unacknowledged: PublishCallback = (error) => {
    if (error instanceof Error) this.#fail(error);
    else if (this.#isReading) this.#client._parsingBatch--;
    else this.#finished(1);
  };

  #acknowledge(packetId: number): void {
    if (this.#acks.push(packetId) === 1) process.nextTick(() => this.flush());
  }

  #finished(count: number, error?: Error | null): void {
    this.#client._parsingBatch -= count - 1;
    this.#client._nextBatch(error);
  }

  #fail(error: Error): void {
    this.flush();
    this.#client._nextBatch(error);
  }
}
