/**
 * int8 weights times 7-bit activations. Weights lie in groups of 8 rows x 32 columns, 320 bytes each:
 *   8 x (4 columns of rows 0 to 3, 4 columns of rows 4 to 7), so that a vector holds what 4 sums need next
 *   8 x i32: -64 times the sum of the row's weights: activations are kept as 1 to 127, 64 more than they are
 *   8 x f32: what the row's sum is multiplied with
 */
import { addTo, fromHalf, maxOf } from './numbers';

export const GROUP_BYTES: usize = 320;

/** Rows of weights of a file become groups; `type` is that of GGUF. `firstRow` is where they begin among the groups. */
export function pack(from: usize, type: i32, rows: i32, columns: i32, to: usize, firstRow: i32): void {
  const blocks = columns >> 5;
  for (let row = 0; row < rows; row++) {
    const place = firstRow + row;
    const group = to + <usize>((place >> 3) * blocks) * GROUP_BYTES;
    const lane = place & 7;
    for (let block = 0; block < blocks; block++)
      packBlock(from, type, row * blocks + block, group + <usize>block * GROUP_BYTES, lane);
  }
}

function packBlock(from: usize, type: i32, index: i32, group: usize, lane: i32): void {
  const weights = group + <usize>((lane >> 2) * 16 + (lane & 3) * 4);
  let scale: f32;
  let sum = 0;
  if (type == 8) {
    const block = from + <usize>index * 34;
    scale = fromHalf(load<u16>(block));
    for (let k = 0; k < 32; k++) {
      const weight = load<i8>(block + 2 + k);
      sum += weight;
      store<i8>(weights + ((k >> 2) << 5) + (k & 3), weight);
    }
  } else {
    let largest: f32 = 0;
    for (let k = 0; k < 32; k++) largest = max(largest, abs(weightOf(from, type, index * 32 + k)));
    scale = largest / 127;
    const inverse: f32 = largest == 0 ? 0 : 127 / largest;
    for (let k = 0; k < 32; k++) {
      const weight = <i32>nearest(weightOf(from, type, index * 32 + k) * inverse);
      sum += weight;
      store<i8>(weights + ((k >> 2) << 5) + (k & 3), <i8>weight);
    }
  }
  store<i32>(group + 256 + (lane << 2), -64 * sum);
  store<f32>(group + 288 + (lane << 2), scale);
}

/** Weight `index` of a tensor of f32, f16 or q8_0. */
export function weightOf(from: usize, type: i32, index: i32): f32 {
  if (type == 0) return load<f32>(from + (<usize>index << 2));
  if (type == 1) return fromHalf(load<u16>(from + (<usize>index << 1)));
  const block = from + <usize>(index >> 5) * 34;
  return fromHalf(load<u16>(block)) * <f32>load<i8>(block + 2 + (index & 31));
}

/** Row `row` of a packed matrix as f32. */
export function unpackRow(weights: usize, row: i32, columns: i32, to: usize): void {
  const blocks = columns >> 5;
  let group = weights + <usize>((row >> 3) * blocks) * GROUP_BYTES;
  const lane = row & 7;
  const start = <usize>((lane >> 2) * 16 + (lane & 3) * 4);
  for (let block = 0; block < blocks; block++) {
    const scale = load<f32>(group + 288 + (lane << 2));
    for (let k = 0; k < 32; k++)
      store<f32>(to + (k << 2), scale * <f32>load<i8>(group + start + ((k >> 2) << 5) + (k & 3)));
    group += GROUP_BYTES;
    to += 128;
  }
}

/** `count` activations as 64 + a 7-bit number, a factor for each 32 of them. */
export function quantize(x: usize, count: i32, to: usize, scales: usize): void {
  const end = x + (<usize>count << 2);
  for (; x < end; x += 128) {
    let most = f32x4.abs(v128.load(x));
    for (let at: usize = 16; at < 128; at += 16) most = f32x4.max(most, f32x4.abs(v128.load(x + at)));
    const largest = maxOf(most);
    store<f32>(scales, largest / 63);
    const inverse = f32x4.splat(largest == 0 ? 0 : 63 / largest);
    v128.store(to, narrow(rounded(x, inverse), rounded(x + 16, inverse), rounded(x + 32, inverse), rounded(x + 48, inverse)));
    v128.store(
      to,
      narrow(rounded(x + 64, inverse), rounded(x + 80, inverse), rounded(x + 96, inverse), rounded(x + 112, inverse)),
      16,
    );
    scales += 4;
    to += 32;
  }
}

/** Adding 1.5 x 2^23 leaves the nearest whole number in the low bits. */
// @ts-ignore: decorator
@inline
function rounded(x: usize, inverse: v128): v128 {
  const sum = f32x4.add(f32x4.mul(v128.load(x), inverse), f32x4.splat(12582976.0)); // 64 more
  return v128.and(sum, i32x4.splat(127));
}

// @ts-ignore: decorator
@inline
function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(a, b), i16x8.narrow_i32x4_u(c, d));
}

/** Four sums of four products each, added to `sums`. `x` is 0 to 127, so relaxed is exact too. */
// @ts-ignore: decorator
@inline
function dot(weights: v128, x: v128, sums: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(weights, x, sums);
  const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(weights), i16x8.extend_low_i8x16_s(x));
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(weights), i16x8.extend_high_i8x16_s(x));
  const pairs = i32x4.add(v128.shuffle<i32>(low, high, 0, 2, 4, 6), v128.shuffle<i32>(low, high, 1, 3, 5, 7));
  return i32x4.add(sums, pairs);
}

// @ts-ignore: decorator
@inline
function scaled(sums: v128, scales: v128, scale: v128, before: v128): v128 {
  return f32x4.add(before, f32x4.mul(f32x4.convert_i32x4_s(sums), f32x4.mul(scales, scale)));
}

/** out[row][8 x groups] (+)= x[row] times the weights, for all rows of quantized activations. */
export function multiply(
  weights: usize,
  groups: i32,
  blocks: i32,
  rows: i32,
  x: usize,
  scales: usize,
  out: usize,
  outBytes: usize,
  isAdding: bool,
): void {
  const xBytes = <usize>blocks << 5;
  const scaleBytes = <usize>blocks << 2;
  const groupBytes = <usize>blocks * GROUP_BYTES;
  for (let group = 0; group < groups; group++) {
    let row = 0;
    for (; row + 1 < rows; row += 2)
      twoRows(
        weights,
        blocks,
        x + <usize>row * xBytes,
        scales + <usize>row * scaleBytes,
        out + <usize>row * outBytes,
        outBytes,
        isAdding,
      );
    if (row < rows)
      oneRow(weights, blocks, x + <usize>row * xBytes, scales + <usize>row * scaleBytes, out + <usize>row * outBytes, isAdding);
    weights += groupBytes;
    out += 32;
  }
}

function oneRow(weights: usize, blocks: i32, x: usize, scales: usize, out: usize, isAdding: bool): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  for (let block = 0; block < blocks; block++) {
    let a = v128.load(weights, 256);
    let b = v128.load(weights, 272);
    let v = v128.load32_splat(x);
    a = dot(v128.load(weights), v, a);
    b = dot(v128.load(weights, 16), v, b);
    v = v128.load32_splat(x, 4);
    a = dot(v128.load(weights, 32), v, a);
    b = dot(v128.load(weights, 48), v, b);
    v = v128.load32_splat(x, 8);
    a = dot(v128.load(weights, 64), v, a);
    b = dot(v128.load(weights, 80), v, b);
    v = v128.load32_splat(x, 12);
    a = dot(v128.load(weights, 96), v, a);
    b = dot(v128.load(weights, 112), v, b);
    v = v128.load32_splat(x, 16);
    a = dot(v128.load(weights, 128), v, a);
    b = dot(v128.load(weights, 144), v, b);
    v = v128.load32_splat(x, 20);
    a = dot(v128.load(weights, 160), v, a);
    b = dot(v128.load(weights, 176), v, b);
    v = v128.load32_splat(x, 24);
    a = dot(v128.load(weights, 192), v, a);
    b = dot(v128.load(weights, 208), v, b);
    v = v128.load32_splat(x, 28);
    a = dot(v128.load(weights, 224), v, a);
    b = dot(v128.load(weights, 240), v, b);
    const scale = v128.load32_splat(scales);
    low = scaled(a, v128.load(weights, 288), scale, low);
    high = scaled(b, v128.load(weights, 304), scale, high);
    weights += GROUP_BYTES;
    x += 32;
    scales += 4;
  }
  addTo(out, low, isAdding);
  addTo(out + 16, high, isAdding);
}

/** As `oneRow`, for two rows of activations that lie behind each other: each weight is loaded once. */
function twoRows(
  weights: usize,
  blocks: i32,
  x: usize,
  scales: usize,
  out: usize,
  outBytes: usize,
  isAdding: bool,
): void {
  let low0 = f32x4.splat(0);
  let high0 = f32x4.splat(0);
  let low1 = f32x4.splat(0);
  let high1 = f32x4.splat(0);
  let y = x + (<usize>blocks << 5);
  let yScales = scales + (<usize>blocks << 2);
  for (let block = 0; block < blocks; block++) {
    let a0 = v128.load(weights, 256);
    let b0 = v128.load(weights, 272);
    let a1 = a0;
    let b1 = b0;
    let v = v128.load32_splat(x);
    let w = v128.load32_splat(y);
    let p = v128.load(weights);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 16);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 4);
    w = v128.load32_splat(y, 4);
    p = v128.load(weights, 32);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 48);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 8);
    w = v128.load32_splat(y, 8);
    p = v128.load(weights, 64);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 80);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 12);
    w = v128.load32_splat(y, 12);
    p = v128.load(weights, 96);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 112);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 16);
    w = v128.load32_splat(y, 16);
    p = v128.load(weights, 128);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 144);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 20);
    w = v128.load32_splat(y, 20);
    p = v128.load(weights, 160);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 176);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 24);
    w = v128.load32_splat(y, 24);
    p = v128.load(weights, 192);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 208);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    v = v128.load32_splat(x, 28);
    w = v128.load32_splat(y, 28);
    p = v128.load(weights, 224);
    a0 = dot(p, v, a0);
    a1 = dot(p, w, a1);
    p = v128.load(weights, 240);
    b0 = dot(p, v, b0);
    b1 = dot(p, w, b1);
    const lowScales = v128.load(weights, 288);
    const highScales = v128.load(weights, 304);
    const scale0 = v128.load32_splat(scales);
    const scale1 = v128.load32_splat(yScales);
    low0 = scaled(a0, lowScales, scale0, low0);
    high0 = scaled(b0, highScales, scale0, high0);
    low1 = scaled(a1, lowScales, scale1, low1);
    high1 = scaled(b1, highScales, scale1, high1);
    weights += GROUP_BYTES;
    x += 32;
    y += 32;
    scales += 4;
    yScales += 4;
  }
  addTo(out, low0, isAdding);
  addTo(out + 16, high0, isAdding);
  addTo(out + outBytes, low1, isAdding);
  addTo(out + outBytes + 16, high1, isAdding);
}
