/**
 * Packs records into one buffer per tick and direction, because a postMessage per message costs
 * twenty times as much as its share of a packed batch. Little endian, no alignment.
 *
 * Inbound record: u32 length, u8 kind, u8 flags, u8 key bytes, u8 0, u16 subject bytes, u16 code,
 * u32 connection, f64 received at, key (latin1: addresses are ASCII), subject (UTF-8), payload.
 * The journal keeps these bytes as they are: a change of the layout is a new schema version.
 */
import { assert } from '../base/errors.ts';
import type { EffectKind, EffectRecord, InboundRecord, Kind } from './messages.ts';

const INBOUND_HEADER_BYTES = 24;
const EFFECT_HEADER_BYTES = 20;
const INITIAL_BYTES = 16 * 1024;

/** A growing buffer whose memory can be handed to another thread. */
class PackBuffer {
  #initialBytes = INITIAL_BYTES;
  buffer = Buffer.from(new ArrayBuffer(INITIAL_BYTES));
  length = 0;

  reserve(bytes: number): number {
    const offset = this.length;
    if (offset + bytes > this.buffer.length) {
      const grown = Buffer.from(new ArrayBuffer(Math.max(this.buffer.length * 2, offset + bytes)));
      this.buffer.copy(grown, 0, 0, offset);
      this.buffer = grown;
    }
    this.length = offset + bytes;
    return offset;
  }

  /** The packed bytes; the buffer starts anew and the memory belongs to the caller. */
  take(): Uint8Array<ArrayBuffer> {
    const { buffer, length } = this;
    this.#initialBytes = Math.max(INITIAL_BYTES, Math.min(length * 2, 1024 * 1024));
    this.buffer = Buffer.from(new ArrayBuffer(this.#initialBytes));
    this.length = 0;
    return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, length); // made from an ArrayBuffer above
  }
}

const EMPTY = Buffer.alloc(0);

/** Writes inbound records. */
export class BatchWriter {
  readonly #pack = new PackBuffer();
  /** Durable records since the last `take`. */
  durableCount = 0;
  count = 0;

  get bytes(): number {
    return this.#pack.length;
  }

  /** Appends a record. `subject` and `payload` may be empty. */
  write(
    kind: Kind,
    flags: number,
    key: string,
    subject: string,
    connection: number,
    code: number,
    receivedAtMs: number,
    payload: Uint8Array,
  ): void {
    const subjectBytes = subject.length === 0 ? 0 : Buffer.byteLength(subject);
    assert(key.length < 256 && subjectBytes < 65_536, 'key and subject fit their length fields');
    const total = INBOUND_HEADER_BYTES + key.length + subjectBytes + payload.length;
    const pack = this.#pack;
    let at = pack.reserve(total);
    const { buffer } = pack;
    buffer.writeUInt32LE(total, at);
    buffer[at + 4] = kind;
    buffer[at + 5] = flags;
    buffer[at + 6] = key.length;
    buffer[at + 7] = 0;
    buffer.writeUInt16LE(subjectBytes, at + 8);
    buffer.writeUInt16LE(code, at + 10);
    buffer.writeUInt32LE(connection, at + 12);
    buffer.writeDoubleLE(receivedAtMs, at + 16);
    at += INBOUND_HEADER_BYTES;
    buffer.write(key, at, 'latin1');
    at += key.length;
    if (subjectBytes > 0) at += buffer.write(subject, at);
    buffer.set(payload, at);
    this.count++;
    if ((flags & 1) !== 0) this.durableCount++;
  }

  take(): Uint8Array<ArrayBuffer> {
    this.durableCount = 0;
    this.count = 0;
    return this.#pack.take();
  }
}

/** The records of a batch. Payloads are views of `batch`. */
export function* readBatch(batch: Buffer): Generator<InboundRecord> {
  for (let at = 0; at < batch.length;) {
    const total = batch.readUInt32LE(at);
    assert(total >= INBOUND_HEADER_BYTES && at + total <= batch.length, 'a batch holds whole records');
    yield readRecord(batch, at, total);
    at += total;
  }
}

function readRecord(batch: Buffer, at: number, total: number): InboundRecord {
  const keyStart = at + INBOUND_HEADER_BYTES;
  const keyEnd = keyStart + (batch[at + 6] ?? 0);
  const subjectEnd = keyEnd + batch.readUInt16LE(at + 8);
  return {
    // Only BatchWriter writes these bytes, from a Kind.
    kind: batch[at + 4] as Kind,
    flags: batch[at + 5] ?? 0,
    key: batch.toString('latin1', keyStart, keyEnd),
    subject: subjectEnd === keyEnd ? '' : batch.toString('utf8', keyEnd, subjectEnd),
    connection: batch.readUInt32LE(at + 12),
    code: batch.readUInt16LE(at + 10),
    receivedAtMs: batch.readDoubleLE(at + 16),
    payload: batch.subarray(subjectEnd, at + total),
  };
}

/**
 * Writes effects: u32 length, u8 kind, u8 flags, u16 code, u32 id, u32 text bytes, u32 number of
 * connections, text (UTF-8), connections (u32 each), payload.
 */
export class EffectWriter {
  readonly #pack = new PackBuffer();

  get bytes(): number {
    return this.#pack.length;
  }

  write(
    kind: EffectKind,
    flags: number,
    code: number,
    id: number,
    text: string,
    connections: readonly number[],
    payload: Uint8Array = EMPTY,
  ): void {
    const textBytes = text.length === 0 ? 0 : Buffer.byteLength(text);
    const total = EFFECT_HEADER_BYTES + textBytes + connections.length * 4 + payload.length;
    const pack = this.#pack;
    let at = pack.reserve(total);
    const { buffer } = pack;
    buffer.writeUInt32LE(total, at);
    buffer[at + 4] = kind;
    buffer[at + 5] = flags;
    buffer.writeUInt16LE(code, at + 6);
    buffer.writeUInt32LE(id, at + 8);
    buffer.writeUInt32LE(textBytes, at + 12);
    buffer.writeUInt32LE(connections.length, at + 16);
    at += EFFECT_HEADER_BYTES;
    if (textBytes > 0) at += buffer.write(text, at);
    for (const connection of connections) at = buffer.writeUInt32LE(connection, at);
    buffer.set(payload, at);
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#pack.take();
  }
}

/** The effects in a buffer. Payloads are views of it. */
export function* readEffects(pack: Buffer): Generator<EffectRecord> {
  for (let at = 0; at < pack.length;) {
    const total = pack.readUInt32LE(at);
    assert(total >= EFFECT_HEADER_BYTES && at + total <= pack.length, 'effects are whole records');
    const textEnd = at + EFFECT_HEADER_BYTES + pack.readUInt32LE(at + 12);
    const connectionCount = pack.readUInt32LE(at + 16);
    const connections: number[] = [];
    for (let i = 0; i < connectionCount; i++) connections.push(pack.readUInt32LE(textEnd + i * 4));
    yield {
      // Only EffectWriter writes these bytes, from an EffectKind.
      kind: pack[at + 4] as EffectKind,
      flags: pack[at + 5] ?? 0,
      code: pack.readUInt16LE(at + 6),
      id: pack.readUInt32LE(at + 8),
      text: pack.toString('utf8', at + EFFECT_HEADER_BYTES, textEnd),
      connections,
      payload: pack.subarray(textEnd + connectionCount * 4, at + total),
    };
    at += total;
  }
}
