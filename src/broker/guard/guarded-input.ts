/**
 * Between a socket and aedes' parser: what the guard finds right goes on, what follows a CONNECT waits until its
 * CONNACK was sent (aedes gives up on a client that has 42 packets under way by then; section 3.1.4 allows any number),
 * and a violation ends the connection after what came before it.
 */
import { limits } from '../../base/limits.ts';
import { PacketGuard, type GuardLimits } from './packet-guard.ts';
import { violation, type Violation } from './packets.ts';

/** What takes bytes that are right. */
export type Parse = (bytes: Buffer) => void;

/** See the head of this file. */
export class GuardedInput {
  readonly #guard: PacketGuard;
  readonly #parse: Parse;
  readonly #refuse: (violation: Violation) => void;
  /** What follows a CONNECT that was not answered yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #phase: 'open' | 'waiting' | 'ended' = 'open';

  constructor(guardLimits: GuardLimits, parse: Parse, refuse: (violation: Violation) => void) {
    this.#guard = new PacketGuard(guardLimits);
    this.#parse = parse;
    this.#refuse = refuse;
  }

  /** Bytes from the socket. */
  take(bytes: Buffer): void {
    if (this.#phase === 'waiting') this.#hold(bytes);
    if (this.#phase !== 'open') return;
    const { end, isConnect, violation: fault } = this.#guard.check(bytes);
    if (isConnect) {
      this.#phase = 'waiting';
      if (end < bytes.length) this.#hold(bytes.subarray(end));
    }
    if (end > 0) this.#parse(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (fault !== null) this.#end(fault);
  }

  /** The CONNACK was sent. */
  connected(): void {
    if (this.#phase !== 'waiting') return;
    this.#phase = 'open';
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const bytes of held) this.take(bytes);
  }

  /** The socket has closed: nothing is kept. */
  close(): void {
    this.#phase = 'ended';
    this.#held = [];
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length;
    if (this.#heldBytes <= limits.mqttHeldBytesMax) this.#held.push(bytes);
    else this.#end(violation('too much before the CONNACK', 0, 'packet-too-large'));
  }

  #end(fault: Violation): void {
    this.close();
    this.#refuse(fault);
  }
}
