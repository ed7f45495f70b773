/** What is on its way to one client: what was sent and is not acknowledged, and behind it what waits. */
import { Entry } from './entry.ts';
import type { Message } from './message.ts';
import type { SessionBounds } from './session-host.ts';
import type { Session } from './session.ts';

const PACKET_ID_MAX = 65_535;

/** See the head of this file. */
export class OutgoingQueue {
  /** Sent, by packet id, in the order in which they were. */
  readonly #sent = new Map<number, Entry>();
  /** Waiting, by packet id. Their order is that of the list. */
  #waiting: Map<number, Entry> | null = null;
  #head: Entry | null = null;
  #tail: Entry | null = null;
  #waitingBytes = 0;
  #lastPlace = 0;
  #lastPacketId = 0;

  get size(): number {
    return this.#sent.size + this.#waitingCount;
  }

  get inFlight(): number {
    return this.#sent.size;
  }

  append(session: Session, message: Message, qos: 1 | 2, isRetained: boolean): Entry {
    message.keep();
    const place = ++this.#lastPlace;
    const entry = new Entry(session, message, { qos, isRetained, place, packetId: this.#freePacketId() });
    this.#append(entry);
    return entry;
  }

  /** In the order of their places. */
  restore(entry: Entry): void {
    this.#lastPlace = Math.max(this.#lastPlace, entry.place);
    this.#lastPacketId = entry.packetId;
    if (entry.phase === 'released') {
      this.#sent.set(entry.packetId, entry);
      return;
    }
    // What was sent waits in its place among those of which nobody knows, and is sent again.
    entry.phase = 'queued';
    this.#append(entry);
  }

  find(packetId: number): Entry | undefined {
    return this.#sent.get(packetId) ?? this.#waiting?.get(packetId);
  }

  /** Those sent and not acknowledged; they may be removed meanwhile. */
  sent(): Entry[] {
    return [...this.#sent.values()];
  }

  all(): Entry[] {
    const all = this.sent();
    for (let entry = this.#head; entry !== null; entry = entry.next) all.push(entry);
    return all;
  }

  oldestWaiting(): Entry | null {
    return this.#head;
  }

  /** It is on its way now, behind those that are. */
  take(entry: Entry): void {
    this.#unlink(entry);
    entry.phase = 'sent';
    this.#sent.set(entry.packetId, entry);
  }

  /** It waits for nobody who came before it. */
  toFront(entry: Entry): void {
    if (this.#head === entry) return;
    this.#unlink(entry);
    this.#link(entry);
    entry.next = this.#head;
    this.#head = entry;
  }

  remove(entry: Entry): void {
    if (this.#sent.get(entry.packetId) === entry) this.#sent.delete(entry.packetId);
    else this.#unlink(entry);
  }

  /** More waits than may. */
  isOverfull({ queuedMessagesMax, queuedBytesMax }: SessionBounds): boolean {
    return this.#waitingCount > queuedMessagesMax || this.#waitingBytes > queuedBytesMax;
  }

  get #waitingCount(): number {
    return this.#waiting?.size ?? 0;
  }

  #append(entry: Entry): void {
    this.#link(entry);
    if (this.#tail === null) this.#head = entry;
    else this.#tail.next = entry;
    this.#tail = entry;
  }

  #link(entry: Entry): void {
    (this.#waiting ??= new Map()).set(entry.packetId, entry);
    this.#waitingBytes += entry.message.bytes;
  }

  #unlink(entry: Entry): void {
    if (this.#waiting?.delete(entry.packetId) !== true) return;
    this.#waitingBytes -= entry.message.bytes;
    if (this.#head === entry) this.#head = entry.next;
    else {
      let before = this.#head;
      while (before !== null && before.next !== entry) before = before.next;
      if (before !== null) before.next = entry.next;
      if (this.#tail === entry) this.#tail = before;
    }
    if (this.#head === null) this.#tail = null;
    entry.next = null;
  }

  /** Packet ids go round; one that is in use is passed over [MQTT-2.3.1-4]. */
  #freePacketId(): number {
    do {
      this.#lastPacketId = this.#lastPacketId >= PACKET_ID_MAX ? 1 : this.#lastPacketId + 1;
    } while (this.#sent.has(this.#lastPacketId) || this.#waiting?.has(this.#lastPacketId) === true);
    return this.#lastPacketId;
  }
}
