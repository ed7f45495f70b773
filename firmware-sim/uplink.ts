import type { Clock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';
import type { DeviceLink } from './device-link.ts';
import { Outbox, type OutboxEntry } from './outbox.ts';

export type MessageKind = OutboxEntry['kind'];

interface UplinkOptions {
  readonly link: DeviceLink;
  readonly clock: Clock;
  readonly outboxMessagesMax: number;
  onSent(kind: MessageKind): void;
  onAcknowledged(kind: MessageKind, latencyMs: number): void;
  onDropped(messages: number): void;
}

/** Gets what the device says to the broker, in order, through the outbox, a window at a time. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #outbox: Outbox;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.outboxMessagesMax);
  }

  /** Messages not yet acknowledged. */
  get pending(): number {
    return this.#outbox.size;
  }

  send(kind: MessageKind, topic: string, payload: Uint8Array): void {
    const dropped = this.#outbox.push({ kind, topic, payload, sentAtMs: 0 });
    if (dropped !== undefined) this.#options.onDropped(1);
    this.flush();
  }

  /** Sends as much as the window allows; to be called when the link came up. */
  flush(): void {
    const { link, clock } = this.#options;
    while (link.isOnline && this.#outbox.inFlight < limits.simulatorInFlightMax) {
      const entry = this.#outbox.take();
      if (entry === undefined) return;
      entry.sentAtMs = clock.now();
      this.#options.onSent(entry.kind);
      link.publish(entry.topic, entry.payload, () => this.#acknowledged(entry));
    }
  }

  /** What was in flight goes out again when the link is back. */
  connectionLost(): void {
    this.#outbox.connectionLost();
  }

  /** RAM is lost. */
  clear(): void {
    const lost = this.#outbox.clear().length;
    if (lost > 0) this.#options.onDropped(lost);
  }

  #acknowledged(entry: OutboxEntry): void {
    if (!this.#outbox.acknowledge(entry)) return;
    this.#options.onAcknowledged(entry.kind, this.#options.clock.now() - entry.sentAtMs);
    this.flush();
  }
}
