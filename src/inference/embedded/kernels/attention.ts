/**
 * Attention over paged keys and values. A block holds 16 tokens; of a layer and KV head it has
 *   keys    [head width][16 tokens]: the scores of 16 tokens grow side by side
 *   values  [16 tokens][head width]
 */
import { exp4, maxOf, sumOf } from './numbers';

/** Writes the key and value of a token at `slot` of its block. */
export function remember(block: usize, slot: i32, key: usize, value: usize, headWidth: i32): void {
  const keys = block + (<usize>slot << 2);
  for (let d = 0; d < headWidth; d++)
    store<f32>(keys + (<usize>d << 6), load<f32>(key + (<usize>d << 2)));
  const values = block + (<usize>headWidth << 6) + <usize>(slot * headWidth << 2);
  memory.copy(values, value, <usize>headWidth << 2);
}

/**
 * Two heads (`q` and the one behind it) look at `tokens` tokens of the blocks of `table`; their results go to `out`.
 * `scores` is room for twice `room` numbers. `base`: where this layer and head lie in block 0.
 */
export function attendTwo(
  q: usize,
  table: usize,
  tokens: i32,
  base: usize,
  blockBytes: usize,
  headWidth: i32,
  scores: usize,
  room: usize,
  out: usize,
): void {
  const headBytes = <usize>headWidth << 2;
  const other = scores + (room << 2);
  const blocks = (tokens + 15) >> 4;
  for (let index = 0; index < blocks; index++) {
    const keys = base + <usize>load<u32>(table + (<usize>index << 2)) * blockBytes;
    scoreTwo(q, keys, headBytes, scores + (<usize>index << 6), other + (<usize>index << 6));
  }
  const first = f32x4.splat(1 / soften(scores, tokens, blocks));
  const second = f32x4.splat(1 / soften(other, tokens, blocks));
  for (let d: usize = 0; d < headBytes; d += 64) {
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let b2 = f32x4.splat(0);
    let b3 = f32x4.splat(0);
    for (let index = 0; index < blocks; index++) {
      let at = base + <usize>load<u32>(table + (<usize>index << 2)) * blockBytes + (headBytes << 4) + d;
      let p = scores + (<usize>index << 6);
      const end = p + (<usize>min(16, tokens - (index << 4)) << 2);
      for (; p < end; p += 4) {
        const s = v128.load32_splat(p);
        const t = v128.load32_splat(p + (room << 2));
        const v0 = v128.load(at);
        const v1 = v128.load(at, 16);
        const v2 = v128.load(at, 32);
        const v3 = v128.load(at, 48);
        a0 = f32x4.add(a0, f32x4.mul(v0, s));
        a1 = f32x4.add(a1, f32x4.mul(v1, s));
        a2 = f32x4.add(a2, f32x4.mul(v2, s));
        a3 = f32x4.add(a3, f32x4.mul(v3, s));
        b0 = f32x4.add(b0, f32x4.mul(v0, t));
        b1 = f32x4.add(b1, f32x4.mul(v1, t));
        b2 = f32x4.add(b2, f32x4.mul(v2, t));
        b3 = f32x4.add(b3, f32x4.mul(v3, t));
        at += headBytes;
      }
    }
    const to = out + d;
    v128.store(to, f32x4.mul(a0, first));
    v128.store(to, f32x4.mul(a1, first), 16);
    v128.store(to, f32x4.mul(a2, first), 32);
    v128.store(to, f32x4.mul(a3, first), 48);
    v128.store(to + headBytes, f32x4.mul(b0, second));
    v128.store(to + headBytes, f32x4.mul(b1, second), 16);
    v128.store(to + headBytes, f32x4.mul(b2, second), 32);
    v128.store(to + headBytes, f32x4.mul(b3, second), 48);
  }
}

/** Scores of one block of keys for two heads. */
// @ts-ignore: decorator
@inline
function scoreTwo(q: usize, keys: usize, headBytes: usize, scores: usize, other: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let a2 = f32x4.splat(0);
  let a3 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let b2 = f32x4.splat(0);
  let b3 = f32x4.splat(0);
  const end = q + headBytes;
  for (let at = q; at < end; at += 4) {
    const s = v128.load32_splat(at);
    const t = v128.load32_splat(at + headBytes);
    const k0 = v128.load(keys);
    const k1 = v128.load(keys, 16);
    const k2 = v128.load(keys, 32);
    const k3 = v128.load(keys, 48);
    a0 = f32x4.add(a0, f32x4.mul(k0, s));
    a1 = f32x4.add(a1, f32x4.mul(k1, s));
    a2 = f32x4.add(a2, f32x4.mul(k2, s));
    a3 = f32x4.add(a3, f32x4.mul(k3, s));
    b0 = f32x4.add(b0, f32x4.mul(k0, t));
    b1 = f32x4.add(b1, f32x4.mul(k1, t));
    b2 = f32x4.add(b2, f32x4.mul(k2, t));
    b3 = f32x4.add(b3, f32x4.mul(k3, t));
    keys += 64;
  }
  v128.store(scores, a0);
  v128.store(scores, a1, 16);
  v128.store(scores, a2, 32);
  v128.store(scores, a3, 48);
  v128.store(other, b0);
  v128.store(other, b1, 16);
  v128.store(other, b2, 32);
  v128.store(other, b3, 48);
}

/** As `attendTwo`, for one head. */
export function attendOne(
  q: usize,
  table: usize,
  tokens: i32,
  base: usize,
  blockBytes: usize,
  headWidth: i32,
  scores: usize,
  out: usize,
): void {
  const headBytes = <usize>headWidth << 2;
  const blocks = (tokens + 15) >> 4;
  for (let index = 0; index < blocks; index++) {
    let keys = base + <usize>load<u32>(table + (<usize>index << 2)) * blockBytes;
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let a2 = f32x4.splat(0);
    let a3 = f32x4.splat(0);
    for (let at = q; at < q + headBytes; at += 4) {
      const s = v128.load32_splat(at);
      a0 = f32x4.add(a0, f32x4.mul(v128.load(keys), s));
      a1 = f32x4.add(a1, f32x4.mul(v128.load(keys, 16), s));
      a2 = f32x4.add(a2, f32x4.mul(v128.load(keys, 32), s));
      a3 = f32x4.add(a3, f32x4.mul(v128.load(keys, 48), s));
      keys += 64;
    }
    const to = scores + (<usize>index << 6);
    v128.store(to, a0);
    v128.store(to, a1, 16);
    v128.store(to, a2, 32);
    v128.store(to, a3, 48);
  }
  const factor = f32x4.splat(1 / soften(scores, tokens, blocks));
  for (let d: usize = 0; d < headBytes; d += 16) {
    let sum = f32x4.splat(0);
    for (let index = 0; index < blocks; index++) {
      let at = base + <usize>load<u32>(table + (<usize>index << 2)) * blockBytes + (headBytes << 4) + d;
      let p = scores + (<usize>index << 6);
      const end = p + (<usize>min(16, tokens - (index << 4)) << 2);
      for (; p < end; p += 4) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(at), v128.load32_splat(p)));
        at += headBytes;
      }
    }
    v128.store(out + d, f32x4.mul(sum, factor));
  }
}

/** The first `tokens` scores become e^(score - the largest), the rest of their last block 0; answers their sum. */
function soften(scores: usize, tokens: i32, blocks: i32): f32 {
  for (let index = tokens; index < blocks << 4; index++)
    store<f32>(scores + (<usize>index << 2), -Infinity);
  const end = scores + (<usize>blocks << 6);
  let most = v128.load(scores);
  for (let at = scores + 16; at < end; at += 16) most = f32x4.max(most, v128.load(at));
  const largest = f32x4.splat(maxOf(most));
  let sum = f32x4.splat(0);
  for (let at = scores; at < end; at += 16) {
    const power = exp4(f32x4.sub(v128.load(at), largest));
    v128.store(at, power);
    sum = f32x4.add(sum, power);
  }
  return sumOf(sum);
}
