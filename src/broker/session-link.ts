/** The connection of a session: packets into its client's socket. */
import { isTooSlow, whenDrained, type Client } from './mqtt-server.ts';
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
  #isCorked = false;
  #awaitsDrain = false;

  constructor(client: Client, permissions: Permissions, session: Session) {
    this.#client = client;
    this.#permissions = permissions;
    this.#session = session;
  }

  hasRoom(): boolean {
    const { conn } = this.#client;
    return !conn.destroyed && !conn.writableEnded && !isTooSlow(this.#client);
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
    if (!this.#isCorked) {
      this.#isCorked = true;
      conn.cork();
      // All of this tick in one call of the system.
      process.nextTick(() => {
        this.#isCorked = false;
        conn.uncork();
      });
    }
    if (conn.write(bytes) || this.#awaitsDrain) return;
    this.#awaitsDrain = true;
    whenDrained(this.#client, () => {
      this.#awaitsDrain = false;
      this.#session.pump();
    });
  }
}
