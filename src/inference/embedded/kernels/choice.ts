/** From logits to a token and its log-probability. */
import { exp4, maxOf, sumOf } from './numbers';

/**
 * Logits of `vocabulary` tokens, room for a multiple of 8. `mask`: bits of the tokens there may be, or 0: all.
 * `target`: the token that is asked for, or -1: one is chosen. What may not be, and the room behind, becomes -Infinity.
 * Writes the token (-1: none can be) and its log-probability to `result`.
 */
export function choose(
  logits: usize,
  vocabulary: i32,
  mask: usize,
  temperature: f32,
  seed: u32,
  target: i32,
  result: usize,
): void {
  const padded = (vocabulary + 7) & ~7;
  for (let token = vocabulary; token < padded; token++) store<f32>(logits + ((<usize>token) << 2), -Infinity);
  if (mask != 0) forbid(logits, vocabulary, mask);
  const end = logits + ((<usize>padded) << 2);
  let most = v128.load(logits);
  for (let at = logits + 16; at < end; at += 16) most = f32x4.max(most, v128.load(at));
  const largest = maxOf(most);
  let token = target;
  if (target < 0)
    token =
      temperature > 0
        ? drawn(logits, vocabulary, end, largest, temperature, seed)
        : first(logits, vocabulary, largest);
  let logit: f32 = token < 0 ? <f32>-Infinity : load<f32>(logits + ((<usize>token) << 2));
  store<i32>(result, token);
  if (logit > -Infinity) logit -= largest + <f32>Math.log(total(logits, end, largest, 1));
  store<f32>(result + 4, logit);
}

function forbid(logits: usize, vocabulary: i32, mask: usize): void {
  for (let token = 0; token < vocabulary; token++) {
    const word = load<u32>(mask + ((<usize>(token >> 5)) << 2));
    if (((word >>> (token & 31)) & 1) == 0) store<f32>(logits + ((<usize>token) << 2), -Infinity);
  }
}

/** The token of the largest logit; of equal ones the first. */
function first(logits: usize, vocabulary: i32, largest: f32): i32 {
  if (largest == -Infinity) return -1;
  for (let token = 0; token < vocabulary; token++)
    if (load<f32>(logits + ((<usize>token) << 2)) == largest) return token;
  return -1;
}

function total(logits: usize, end: usize, largest: f32, factor: f32): f32 {
  let sum = f32x4.splat(0);
  const top = f32x4.splat(largest);
  const by = f32x4.splat(factor);
  for (let at = logits; at < end; at += 16)
    sum = f32x4.add(sum, exp4(f32x4.mul(f32x4.sub(v128.load(at), top), by)));
  return sumOf(sum);
}

/** A token by chance, each as likely as its logit over the temperature says. */
function drawn(logits: usize, vocabulary: i32, end: usize, largest: f32, temperature: f32, seed: u32): i32 {
  if (largest == -Infinity) return -1;
  const factor: f32 = <f32>1 / temperature;
  let left = <f32>(mixed(seed) >>> 8) * <f32>(1.0 / 16777216.0) * total(logits, end, largest, factor);
  let last = -1;
  for (let token = 0; token < vocabulary; token++) {
    const logit = load<f32>(logits + ((<usize>token) << 2));
    const weight = f32x4.extract_lane(exp4(f32x4.splat((logit - largest) * factor)), 0);
    if (!(weight > 0)) continue;
    last = token;
    left -= weight;
    if (left < 0) return token;
  }
  return last;
}

/** The bits of `x`, well shaken (the finalizer of MurmurHash3). */
function mixed(x: u32): u32 {
  x ^= x >>> 16;
  x *= 0x85ebca6b;
  x ^= x >>> 13;
  x *= 0xc2b2ae35;
  return x ^ (x >>> 16);
}
