/**
 * Where connections wait until they have said who they are. One that is silent costs its socket and an entry here, and
 * nothing of aedes; so many may be silent, and who floods the door takes the places of its own kind only.
 *
 *   silent -> (its first bytes) speaking -> (it is its turn) opened -> (its CONNECT has come whole) known
 *
 * I1 Who has not sent the whole CONNECT within `mqttConnectTimeoutMs` is closed, however many bytes it sends meanwhile.
 * I2 At most so many as the limits say are not known yet; one more takes the place of the oldest, of its address where
 *    that has too many. An honest client is known within a round trip, and is not the oldest.
 * I3 CONNECTs are let through in the order of their first bytes, at most so many in a second.
 * I4 A connection counts for its address until it closes. Addresses of this machine have no bound: there may be a proxy.
 */
import type { Duplex } from 'node:stream';
import { limits } from '../../base/limits.ts';
import type { DeniedReason } from '../counters.ts';
import { Bucket } from './bucket.ts';

/** A connection that was accepted. */
export interface Visitor {
  readonly stream: Duplex;
  /** Address it comes from. */
  readonly source: string;
}

export interface WaitingRoomOptions {
  readonly connectionsPerSourceMax: number;
  readonly connectsPerSecondMax: number;
  denied(reason: DeniedReason): void;
  /** Its turn has come: from now on somebody else reads from it. */
  open(visitor: Visitor): void;
}

/** All connections of one address. */
interface Source {
  readonly address: string;
  connections: number;
  /** Those not known yet, the oldest first; null: this machine's, of which nobody needs to know. */
  readonly unknown: Set<Waiting> | null;
}

interface Waiting extends Visitor {
  readonly origin: Source;
  readonly sinceMs: number;
  /** Listens for the first bytes. */
  readonly listen: () => void;
  /** Listens for the end, which with a stream that is half open is not yet its close. */
  readonly end: () => void;
}

/** See the head of this file. */
export class WaitingRoom {
  readonly #options: WaitingRoomOptions;
  readonly #sources = new Map<string, Source>();
  /** Those not known yet, the oldest first. */
  readonly #unknown = new Map<Duplex, Waiting>();
  /** I3: those that have spoken. */
  readonly #speaking = new Set<Waiting>();
  readonly #connects: Bucket;
  readonly #sweep: NodeJS.Timeout;
  #turn: NodeJS.Timeout | null = null;
  #size = 0;

  constructor(options: WaitingRoomOptions) {
    this.#options = options;
    this.#connects = new Bucket(options.connectsPerSecondMax, performance.now());
    this.#sweep = setInterval(() => this.#closeLate(performance.now()), limits.mqttSilentSweepMs).unref();
  }

  /** Connections that are open, known or not. */
  get size(): number {
    return this.#size;
  }

  /** Connections that have not said who they are. */
  get unknownCount(): number {
    return this.#unknown.size;
  }

  /** A connection was accepted; it may be closed at once. */
  enter({ stream, source }: Visitor): void {
    stream.on('error', ignore);
    const origin = this.#sources.get(source) ?? newSource(source);
    const { connectionsPerSourceMax } = this.#options;
    if (origin.unknown !== null && origin.connections >= connectionsPerSourceMax) {
      this.#options.denied('source-limit');
      stream.destroy();
      return;
    }
    const listen = (): void => this.#hear(waiting);
    const end = (): void => void stream.destroy();
    const waiting: Waiting = { stream, source, origin, sinceMs: performance.now(), listen, end };
    this.#sources.set(source, origin);
    origin.connections += 1;
    this.#size += 1;
    stream.once('close', () => this.#left(origin, stream));
    this.#makeRoom(origin);
    this.#unknown.set(stream, waiting);
    origin.unknown?.add(waiting);
    stream.once('end', end);
    stream.on('readable', listen);
  }

  /** Its CONNECT has come, whole. */
  introduced(stream: Duplex): void {
    const waiting = this.#unknown.get(stream);
    if (waiting === undefined) return;
    this.#unknown.delete(stream);
    this.#speaking.delete(waiting);
    waiting.origin.unknown?.delete(waiting);
  }

  /** Closes all that are not known. */
  close(): void {
    clearInterval(this.#sweep);
    if (this.#turn !== null) clearTimeout(this.#turn);
    for (const { stream } of [...this.#unknown.values()]) stream.destroy();
  }

  #hear(waiting: Waiting): void {
    const { stream, listen } = waiting;
    if (stream.readableLength === 0) {
      stream.read(); // it may have ended, which nobody hears before it is read
      return;
    }
    stream.removeListener('readable', listen);
    this.#speaking.add(waiting);
    if (this.#turn === null) this.#openNext();
  }

  /** I3 */
  #openNext(): void {
    this.#turn = null;
    for (const waiting of this.#speaking) {
      this.#speaking.delete(waiting);
      const { stream, end } = waiting;
      stream.removeListener('end', end).removeListener('error', ignore); // who reads from it listens for these
      this.#options.open(waiting);
      const waitMs = this.#connects.take(1, performance.now());
      if (waitMs === 0) continue;
      this.#turn = setTimeout(() => this.#openNext(), waitMs).unref();
      return;
    }
  }

  /** I2 */
  #makeRoom({ unknown }: Source): void {
    const ofSource =
      unknown !== null && unknown.size >= limits.mqttSilentPerSourceMax ? unknown.values() : null;
    const ofAll = this.#unknown.size >= limits.mqttSilentMax ? this.#unknown.values() : null;
    const oldest = (ofSource ?? ofAll)?.next().value;
    if (oldest !== undefined) this.#turnOut(oldest, 'silent-limit');
  }

  /** I1 */
  #closeLate(nowMs: number): void {
    for (const waiting of this.#unknown.values()) {
      if (nowMs - waiting.sinceMs < limits.mqttConnectTimeoutMs) return;
      this.#turnOut(waiting, 'connect-timeout');
    }
  }

  #turnOut(waiting: Waiting, reason: DeniedReason): void {
    this.#options.denied(reason);
    this.introduced(waiting.stream); // it is no more counted from now on
    waiting.stream.destroy();
  }

  #left(origin: Source, stream: Duplex): void {
    this.introduced(stream); // it is not waited for any more
    this.#size -= 1;
    origin.connections -= 1;
    if (origin.connections === 0) this.#sources.delete(origin.address);
  }
}

function newSource(address: string): Source {
  return { address, connections: 0, unknown: isOfThisMachine(address) ? null : new Set() };
}

function isOfThisMachine(address: string): boolean {
  return address === '' || address === '::1' || /^(::ffff:)?127\./.test(address);
}

function ignore(): void {
  // Whatever went wrong, `close` follows.
}
