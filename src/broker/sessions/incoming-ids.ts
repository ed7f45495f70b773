import type { Session } from './session.ts';
import type { SessionLog } from './session-log.ts';

/** Packet ids of the client's QoS 2 packets that were taken and await their PUBREL [MQTT-4.3.3-2]. */
export class IncomingIds {
  readonly #session: Session;
  readonly #log: SessionLog;
  readonly #ids = new Set<number>();

  constructor(session: Session, log: SessionLog) {
    this.#session = session;
    this.#log = log;
  }

  get size(): number {
    return this.#ids.size;
  }

  has(packetId: number): boolean {
    return this.#ids.has(packetId);
  }

  add(packetId: number): void {
    this.#ids.add(packetId);
    this.#note(packetId);
  }

  /** @returns whether it was awaited */
  delete(packetId: number): boolean {
    if (!this.#ids.delete(packetId)) return false;
    this.#note(packetId);
    return true;
  }

  clear(): void {
    for (const packetId of [...this.#ids]) this.delete(packetId);
  }

  /** As a process before this one had it. */
  restore(packetId: number): void {
    this.#ids.add(packetId);
  }

  #note(packetId: number): void {
    if (this.#session.isKept && !this.#session.isGone) this.#log.changes.incoming(this.#session, packetId);
  }
}
