/** The connection of a session: packets into its client's socket. */
import { limits } from '../base/limits.ts';
import { PendingBytes } from './edge/index.ts';
import { whenDrained, type Client } from './mqtt-server.ts';
import type { Permissions } from './permissions.ts';
import {
  firstByte,
  pubrel,
  type Message,
  type Sending,
  type Session,
  type SessionLink,
} from './sessions/index.ts';

/** See the head of this file. */
export class ClientLink implements SessionLink {
  readonly #client: Client;
  readonly #permissions: Permissions;
  readonly #session: Session;
  readonly #pending = new PendingBytes();
  #isScheduled = false;
  #awaitsDrain = false;

  constructor(client: Client, permissions: Permissions, session: Session) {
    this.#client = client;
    this.#permissions = permissions;
    this.#session = session;
  }

  hasRoom(): boolean {
    const { conn } = this.#client;
    if (conn.destroyed || conn.writableEnded) return false;
    return conn.writableLength + this.#pending.bytes <= limits.socketBufferBytesMax;
  }

  mayReceive({ topic }: Message): boolean {
    if (this.#permissions.mayReceive(topic)) return true;
    this.#permissions.denied('subscribe', topic);
    return false;
  }

  publish(message: Message, how: Sending): void {
    if (how.qos === 0) {
      this.#write(message.plain(how.isRetained));
      return;
    }
    this.#write(message.head(firstByte(how), how.packetId));
    if (message.payload.length > 0) this.#write(message.payload);
  }

  release(packetId: number): void {
    this.#write(pubrel(packetId));
  }

  #write(bytes: Buffer): void {
    const { conn } = this.#client;
    if (conn.destroyed || conn.writableEnded) return; // its session keeps what it has to
    this.#pending.add(bytes);
    if (this.#isScheduled || this.#isBlocked) return;
    this.#isScheduled = true;
    // All of this tick in few writes.
    process.nextTick(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  /** Writes until enough is under way. */
  #flush(): void {
    const { conn } = this.#client;
    while (!this.#isBlocked && !conn.destroyed && !conn.writableEnded) {
      const chunk = this.#pending.take();
      if (chunk === null) return;
      if (!conn.write(chunk)) this.#awaitDrain();
    }
  }

  /** Whether the socket has enough. */
  get #isBlocked(): boolean {
    return this.#awaitsDrain && this.#client.conn.writableLength >= limits.mqttWriteAheadBytes;
  }

  /** Goes on when the socket has taken all; one that does not in time is closed. */
  #awaitDrain(): void {
    if (this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    whenDrained(this.#client, () => {
      this.#awaitsDrain = false;
      this.#flush();
      this.#session.pump();
    });
  }
}
