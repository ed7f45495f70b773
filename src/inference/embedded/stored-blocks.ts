/**
 * KV blocks as they are kept while an agent sleeps: int8, with a factor for each channel of the keys (their range
 * differs by channel) and for each token of the values. Of each layer and KV head, 16 tokens:
 *
 *   head width x (f32 factor, 16 x int8)   keys
 *   16 x (f32 factor, head width x int8)   values
 */
import { BridgeError } from '../../base/errors.ts';
import { BLOCK_TOKENS } from './memory-plan.ts';

/** Bytes of what a layer and head keep of a block. */
export function storedHeadBytes(headWidth: number): number {
  return headWidth * (4 + BLOCK_TOKENS) + BLOCK_TOKENS * (4 + headWidth);
}

/** Keys and values of one layer and head, from memory (`[head width][16]`, `[16][head width]`) to bytes. */
export function storeHead(values: Float32Array, headWidth: number, to: DataView): void {
  eachRow(headWidth, (start, length, at) => {
    let largest = 0;
    for (let index = start; index < start + length; index++)
      largest = Math.max(largest, Math.abs(values[index] ?? 0));
    const factor = Math.fround(largest / 127);
    to.setFloat32(at, factor, true);
    const inverse = factor === 0 ? 0 : 1 / factor;
    for (let index = 0; index < length; index++)
      to.setInt8(at + 4 + index, Math.round((values[start + index] ?? 0) * inverse));
  });
}

/** And back. */
export function restoreHead(from: DataView, headWidth: number, values: Float32Array): void {
  eachRow(headWidth, (start, length, at) => {
    const factor = from.getFloat32(at, true);
    for (let index = 0; index < length; index++)
      values[start + index] = factor * from.getInt8(at + 4 + index);
  });
}

/** @throws BridgeError BRG_MODEL_STATE when the bytes of a layer and head hold what no model has computed */
export function checkStoredHead(from: DataView, headWidth: number): void {
  eachRow(headWidth, (_, __, at) => {
    if (!(from.getFloat32(at, true) < 1e30))
      throw new BridgeError('BRG_MODEL_STATE', 'kept keys and values hold what is no number');
  });
}

/** Calls `visit` with where a row of numbers begins in memory, how many there are, and where it begins in the bytes. */
function eachRow(headWidth: number, visit: (start: number, length: number, at: number) => void): void {
  for (let d = 0; d < headWidth; d++) visit(d * BLOCK_TOKENS, BLOCK_TOKENS, d * (4 + BLOCK_TOKENS));
  const values = headWidth * BLOCK_TOKENS;
  const stored = headWidth * (4 + BLOCK_TOKENS);
  for (let t = 0; t < BLOCK_TOKENS; t++)
    visit(values + t * headWidth, headWidth, stored + t * (4 + headWidth));
}
