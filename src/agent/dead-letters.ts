/** Messages that could not be applied, kept with the reason so that somebody can find out why. */
import { KIND, type ActorContext, type InboundRecord } from '../actor/index.ts';
import type { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Outbound } from './outbound.ts';

/** What of a device can be rejected, by the kind of its record. */
export const CHANNELS: Partial<Record<InboundRecord['kind'], string>> = {
  [KIND.telemetry]: 'telemetry',
  [KIND.reported]: 'reported',
  [KIND.result]: 'result',
  [KIND.call]: 'call',
  [KIND.presence]: 'presence',
};

export interface DeadLetter {
  readonly ts: number;
  /** telemetry, reported, result, call or presence. */
  readonly channel: string;
  readonly code: string;
  readonly reason: string;
  /** The payload, cut to `limits.deadLetterPayloadBytesMax`: text, or hex when it is not UTF-8. */
  readonly payload: string;
  readonly encoding: 'utf8' | 'hex';
  /** Bytes of the whole payload. */
  readonly bytes: number;
}

export class DeadLetters {
  readonly #context: ActorContext;
  readonly #outbound: Outbound;

  constructor(context: ActorContext, outbound: Outbound) {
    this.#context = context;
    this.#outbound = outbound;
  }

  add(channel: string, payload: Buffer, failure: Pick<BridgeError, 'code' | 'message'>): void {
    const ts = this.#context.now();
    const letter: DeadLetter = {
      ts,
      channel,
      code: failure.code,
      reason: failure.message,
      ...readable(payload),
      bytes: payload.length,
    };
    this.#context.setCell('rejected', [letter, ...this.all].slice(0, limits.deadLettersPerAgentMax));
    this.#context.countRejected();
    const { code, reason } = letter;
    this.#outbound.broadcast({ type: 'mooring_rejected', ts, channel, code, reason });
    const { address, shard } = this.#context;
    shard.attention.add({ ...address, reason: 'rejected', ts, text: `${channel}: ${reason}` });
  }

  list(max: number): readonly DeadLetter[] {
    return this.all.slice(0, max);
  }

  get all(): readonly DeadLetter[] {
    // Only `add` writes it.
    return (this.#context.cell('rejected') as readonly DeadLetter[] | undefined) ?? [];
  }
}

function readable(payload: Buffer): { payload: string; encoding: 'utf8' | 'hex' } {
  const kept = payload.subarray(0, limits.deadLetterPayloadBytesMax);
  const text = kept.toString('utf8');
  // A cut may split the last character; anything else that does not come back is binary.
  const isText = !text.slice(0, -1).includes('�') && !text.includes('\0');
  return isText ? { payload: text, encoding: 'utf8' } : { payload: kept.toString('hex'), encoding: 'hex' };
}
