export interface OutboxEntry {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly kind: 'telemetry' | 'reported' | 'result';
  /** When it was last handed to a connection, ms since epoch. */
  sentAtMs: number;
}

/**
 * What a device has yet to get acknowledged, oldest first, as firmware keeps it in flash.
 *
 * I1 Entries leave only by PUBACK, by `clear` (a reboot) or because the box is full (the oldest).
 * I2 The first `#sent` entries are in flight on the current connection; after a loss none is, and
 *    they go out again in their order, unchanged, so that the receiver can recognise them.
 */
export class Outbox {
  readonly #messagesMax: number;
  readonly #entries: OutboxEntry[] = [];
  #sent = 0;

  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  get size(): number {
    return this.#entries.length;
  }

  get inFlight(): number {
    return this.#sent;
  }

  /** Adds a message; returns the oldest one when it had to go to make room. */
  push(entry: OutboxEntry): OutboxEntry | undefined {
    this.#entries.push(entry);
    if (this.#entries.length <= this.#messagesMax) return undefined;
    if (this.#sent > 0) this.#sent -= 1;
    return this.#entries.shift();
  }

  /** The oldest message not in flight, now counted as in flight. */
  take(): OutboxEntry | undefined {
    const entry = this.#entries[this.#sent];
    if (entry !== undefined) this.#sent += 1;
    return entry;
  }

  /** Its PUBACK came. False when it was dropped before. */
  acknowledge(entry: OutboxEntry): boolean {
    const index = this.#entries.indexOf(entry);
    if (index < 0) return false;
    this.#entries.splice(index, 1);
    if (index < this.#sent) this.#sent -= 1;
    return true;
  }

  /** Nothing is in flight any more. */
  connectionLost(): void {
    this.#sent = 0;
  }

  /** Forgets everything; returns the entries. */
  clear(): OutboxEntry[] {
    this.#sent = 0;
    return this.#entries.splice(0);
  }
}
