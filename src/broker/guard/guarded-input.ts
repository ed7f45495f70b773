/**
 * Between a socket and aedes' parser: what the guard finds right goes on, what follows a CONNECT waits until its
 * CONNACK was sent (aedes gives up on a client that has 42 packets under way by then; section 3.1.4 allows any number),
 * and a violation ends the connection after what came before it. Most of what devices send, a PUBLISH of QoS 0 or 1, does not
 * need the parser: it goes to `publishes`, in the order of arrival all the same.
 */
import { limits } from '../../base/limits.ts';
import { PacketGuard, type GuardLimits } from './packet-guard.ts';
import { violation, type Violation } from './packets.ts';
import { QuickPublish } from './quick-publish.ts';

/** What takes bytes that are right. */
export type Parse = (bytes: Buffer) => void;

/** What takes a PUBLISH. `packet` is good until it returns; `payload` is a view of what was read. */
export type TakePublish = (packet: QuickPublish, payload: Buffer) => void;

/** See the head of this file. */
export class GuardedInput {
  readonly #guard: PacketGuard;
  readonly #parse: Parse;
  readonly #refuse: (violation: Violation) => void;
  readonly #publish: TakePublish | null;
  readonly #packetBytesMax: number;
  /** Made with the first packet after the CONNECT: an idle connection has none. */
  #quick: QuickPublish | null = null;
  /** What follows a CONNECT that was not answered yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #quickRequests = 0;
  #phase: 'open' | 'waiting' | 'ended' = 'open';

  /** @param publish null: the parser gets those too */
  constructor(
    guardLimits: GuardLimits,
    parse: Parse,
    publish: TakePublish | null,
    refuse: (violation: Violation) => void,
  ) {
    this.#guard = new PacketGuard(guardLimits);
    this.#packetBytesMax = guardLimits.packetBytesMax;
    this.#parse = parse;
    this.#publish = publish;
    this.#refuse = refuse;
  }

  /** Bytes from the socket. */
  take(bytes: Buffer): void {
    if (this.#phase === 'waiting') this.#hold(bytes);
    if (this.#phase !== 'open') return;
    let parsed = 0; // so much of it has gone on
    let at = 0;
    while (at < bytes.length) {
      const quickEnd = this.#takeQuickly(bytes, parsed, at);
      if (this.#isOver()) return;
      if (quickEnd > 0) {
        parsed = at = quickEnd;
        continue;
      }
      const { end, isConnect, violation: fault } = this.#guard.check(bytes, at);
      at = end;
      if (fault !== null) {
        this.#pass(bytes, parsed, end);
        this.#end(fault);
        return;
      }
      if (isConnect) {
        this.#phase = 'waiting';
        if (end < bytes.length) this.#hold(bytes.subarray(end));
        break;
      }
    }
    this.#pass(bytes, parsed, at);
  }

  /** A PUBLISH that needs no parser, behind what the parser still has to get. @returns where it ends; 0: there is none */
  #takeQuickly(bytes: Buffer, parsed: number, at: number): number {
    if (this.#publish === null || !this.#guard.isBetweenPackets) return 0;
    const quick = (this.#quick ??= new QuickPublish(this.#packetBytesMax));
    const end = quick.read(bytes, at);
    if (end === 0) return 0;
    this.#quickRequests += 1;
    this.#pass(bytes, parsed, at);
    if (!this.#isOver()) this.#publish(quick, bytes.subarray(quick.payloadStart, end));
    return end;
  }

  /** Requests in what was taken since this was asked last. */
  takeRequests(): number {
    const requests = this.#quickRequests + this.#guard.takeRequests();
    this.#quickRequests = 0;
    return requests;
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

  #pass(bytes: Buffer, start: number, end: number): void {
    if (start < end) this.#parse(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
  }

  /** What a packet did may have closed it. */
  #isOver(): boolean {
    return this.#phase === 'ended';
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
