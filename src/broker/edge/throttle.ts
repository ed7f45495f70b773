/**
 * How fast one client is read. What it sends is counted with each read, and when that is more than a second allows,
 * nothing is read from it until its time has come: TCP holds it back, and nobody else notices.
 */
import { limits } from '../../base/limits.ts';
import { Bucket } from './bucket.ts';

export interface RateLimits {
  readonly messagesPerSecondMax: number;
  readonly bytesPerSecondMax: number;
}

/** What is read. */
export interface Reading {
  /** Reads on. */
  resume(): void;
  /** It is held back by us: its keep alive has to wait as well. */
  excuse(): void;
}

/** See the head of this file. */
export class Throttle {
  readonly #messages: Bucket;
  readonly #bytes: Bucket;
  readonly #reading: Reading;
  #timer: NodeJS.Timeout | null = null;
  #untilMs = 0;
  #isClosed = false;

  constructor({ messagesPerSecondMax, bytesPerSecondMax }: RateLimits, reading: Reading) {
    const nowMs = performance.now();
    this.#messages = new Bucket(messagesPerSecondMax, nowMs);
    this.#bytes = new Bucket(bytesPerSecondMax, nowMs);
    this.#reading = reading;
  }

  /** Nothing is to be read now. */
  get isHolding(): boolean {
    return this.#timer !== null;
  }

  /** One read. @returns whether it was too much, and the client is held from now on */
  count(messages: number, bytes: number): boolean {
    const nowMs = performance.now();
    const waitMs = Math.max(this.#messages.take(messages, nowMs), this.#bytes.take(bytes, nowMs));
    if (waitMs === 0 || this.#isClosed) return false;
    const wasHolding = this.isHolding;
    this.#untilMs = nowMs + waitMs;
    this.#timer ??= this.#wait(nowMs);
    return !wasHolding;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(nowMs: number): NodeJS.Timeout {
    const stepMs = Math.min(this.#untilMs - nowMs, limits.mqttThrottleStepMs);
    return setTimeout(() => this.#step(), stepMs).unref();
  }

  #step(): void {
    const nowMs = performance.now();
    this.#reading.excuse();
    this.#timer = nowMs < this.#untilMs ? this.#wait(nowMs) : null;
    if (this.#timer === null) this.#reading.resume();
  }
}
