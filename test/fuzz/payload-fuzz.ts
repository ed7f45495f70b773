/** Hostile payloads and frames against the decoders. */
import { encode } from 'cborg';
import { BridgeError } from '../../src/base/errors.ts';
import { decodeFrame, decodePayload } from '../../src/wire/index.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';

export type Form = 'json' | 'cbor';

/**
 * Decodes one payload and one frame. Throws when a decoder throws what is no BridgeError, or says yes to what cannot be
 * written again.
 * @returns bytes that were decoded
 */
export function fuzzPayload(form: Form, random: Random): number {
  const value = anyValue(random, 4);
  const right = form === 'json' ? Buffer.from(JSON.stringify(value)) : Buffer.from(encode(value));
  const bytes = random.chance(0.1)
    ? random.bytes(random.below(200))
    : random.chance(0.8)
      ? mutate(right, random)
      : right;
  for (const decode of [() => decodePayload(bytes).value, () => decodeFrame(bytes, form)]) {
    try {
      JSON.stringify(decode());
    } catch (error) {
      if (!(error instanceof BridgeError))
        throw new Error(`${form} ${bytes.toString('hex')}`, { cause: error });
    }
  }
  return bytes.length;
}

const NUMBERS = [0, -1, 23, 24, 255, 256, 65_536, 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1, 1.5, 1e300, -0];
const KEYS = ['a', 'type', 'args', 't', '1', '__proto__', 'constructor', 'ü', 'state', ''];

function anyValue(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 8 : 5);
  if (kind === 0) return random.pick(NUMBERS);
  if (kind === 1) return random.pick(['', 'x', 'cf_agent_state', '\u{1f600}', 'y'.repeat(random.below(300))]);
  if (kind === 2) return random.pick([true, false, null]);
  if (kind === 3) return random.below(2 ** 31) / 7;
  if (kind === 4) return 'z';
  const length = random.below(5);
  if (kind === 5) return Array.from({ length }, () => anyValue(random, depth - 1));
  return Object.fromEntries(Array.from({ length }, () => [random.pick(KEYS), anyValue(random, depth - 1)]));
}
