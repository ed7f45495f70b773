import { BridgeError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AuditEntry } from '../store/index.ts';
import { EFFECT, FLAG_FAILED, FLAG_QOS1, FLAG_RETAIN, FLAG_TEXT } from './messages.ts';
import type { Publication } from './port.ts';
import type { Effect } from './shard-effects.ts';
import type { Writer } from './turn-writes.ts';

/** A row of the audit log but for what the actor knows: who it is, and the time. */
export type AuditNote = Omit<AuditEntry, 'tsMs' | 'agent'>;

const NO_BYTES = new Uint8Array(0);
const NO_CONNECTIONS: readonly number[] = Object.freeze([]);
const NO_ENTRIES: readonly AuditEntry[] = Object.freeze([]);

/** What the turns of one agent want sent and noted in the audit log, until it is committed or taken back. */
export class Outbox {
  readonly #writer: Pick<Writer, 'markDirty'>;
  #items: (Effect | AuditEntry)[] = [];
  #noted = 0;

  constructor(writer: Pick<Writer, 'markDirty'>) {
    this.#writer = writer;
  }

  /** A point to which `rollBack` returns. */
  mark(): number {
    return this.#items.length;
  }

  send(connections: readonly number[], frame: Uint8Array, isText: boolean): void {
    this.#add(EFFECT.send, isText ? FLAG_TEXT : 0, 0, 0, '', connections, frame);
  }

  close(connection: number, code: number, reason: string): void {
    this.#add(EFFECT.close, 0, code, connection, reason, NO_CONNECTIONS, NO_BYTES);
  }

  standing(connection: number, standing: string): void {
    this.#add(EFFECT.standing, 0, 0, connection, standing, NO_CONNECTIONS, NO_BYTES);
  }

  publish({ topic, payload, qos, retain, connection }: Publication): void {
    const flags = (retain ? FLAG_RETAIN : 0) | (qos === 1 ? FLAG_QOS1 : 0);
    this.#add(EFFECT.publish, flags, 0, connection, topic, NO_CONNECTIONS, payload);
  }

  /** @throws BridgeError BRG_FRAME_TOO_LARGE; TypeError for what JSON cannot say */
  reply(request: number, value: unknown): void {
    const json = Buffer.from(JSON.stringify(value ?? null));
    if (json.length > limits.frameOutBytesMax) {
      const message = `it has ${json.length} bytes, more than ${limits.frameOutBytesMax}`;
      throw new BridgeError('BRG_FRAME_TOO_LARGE', message);
    }
    this.#add(EFFECT.reply, 0, 0, request, '', NO_CONNECTIONS, json);
  }

  replyError(
    request: number,
    code: ErrorCode,
    message: string,
    details: Record<string, unknown> | undefined,
  ): void {
    const json = Buffer.from(JSON.stringify({ message, details }));
    this.#add(EFFECT.reply, FLAG_FAILED, 0, request, code, NO_CONNECTIONS, json);
  }

  note(entry: AuditEntry): void {
    this.#items.push(entry);
    this.#noted++;
    this.#writer.markDirty();
  }

  #add(
    kind: Effect['kind'],
    flags: number,
    code: number,
    id: number,
    text: string,
    connections: readonly number[],
    payload: Uint8Array,
  ): void {
    this.#items.push({ kind, flags, code, id, text, connections, payload });
    this.#writer.markDirty();
  }

  rollBack(mark: number): void {
    if (mark >= this.#items.length) return;
    this.#items.length = mark;
    if (this.#noted > 0) this.#noted = this.#items.filter(isNote).length;
  }

  get notes(): readonly AuditEntry[] {
    return this.#noted === 0 ? NO_ENTRIES : this.#items.filter(isNote);
  }

  /** After the commit: what may leave now. */
  take(): readonly Effect[] {
    const items = this.#items;
    const effects = this.#noted === 0 ? (items as Effect[]) : items.filter((item) => !isNote(item)); // counted
    if (items.length > 0) this.#items = [];
    this.#noted = 0;
    return effects;
  }
}

function isNote(item: Effect | AuditEntry): item is AuditEntry {
  return 'by' in item;
}
