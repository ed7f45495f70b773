import type { BridgeError } from '../base/errors.ts';
import { EffectWriter } from './envelope.ts';
import { EFFECT, FLAG_FAILED, type EffectRecord } from './messages.ts';
import type { Readiness } from './port.ts';

export type Effect = Omit<EffectRecord, 'payload'> & { readonly payload: Uint8Array };

/** What one agent asks another. */
export interface AgentQuestion {
  readonly name: string;
  readonly body: unknown;
  readonly timeoutMs: number;
}

/** What a shard says: collected during a tick, posted as one buffer. */
export class ShardEffects {
  readonly #writer = new EffectWriter();
  readonly #post: (effects: Uint8Array<ArrayBuffer>) => void;

  constructor(post: (effects: Uint8Array<ArrayBuffer>) => void) {
    this.#post = post;
  }

  add({ kind, flags, code, id, text, connections, payload }: Effect): void {
    this.#writer.write(kind, flags, code, id, text, connections, payload);
  }

  committed(batchId: string, count: number): void {
    this.#writer.write(EFFECT.committed, 0, 0, count, batchId, []);
  }

  started(lastBatchId: string): void {
    this.#writer.write(EFFECT.started, 0, 0, 0, lastBatchId, []);
  }

  crowded(key: string, isCrowded: boolean): void {
    this.#writer.write(EFFECT.crowded, 0, 0, isCrowded ? 1 : 0, key, []);
  }

  readiness(readiness: Readiness): void {
    this.#writer.write(EFFECT.readiness, 0, 0, 0, '', [], json(readiness));
  }

  close(connection: number, code: number, reason: string): void {
    this.#writer.write(EFFECT.close, 0, code, connection, reason, []);
  }

  reply(request: number, value: unknown): void {
    this.#writer.write(EFFECT.reply, 0, 0, request, '', [], json(value));
  }

  replyError(request: number, error: BridgeError): void {
    const body = json({ message: error.message, details: error.details });
    this.#writer.write(EFFECT.reply, FLAG_FAILED, 0, request, error.code, [], body);
  }

  ask(id: number, key: string, question: AgentQuestion): void {
    this.#writer.write(EFFECT.ask, 0, 0, id, key, [], json(question));
  }

  flush(): void {
    if (this.#writer.bytes > 0) this.#post(this.#writer.take());
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value ?? null));
}
