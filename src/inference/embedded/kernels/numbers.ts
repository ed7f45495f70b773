/** Vector arithmetic the kernels share. No fused or relaxed floating point: every machine and build rounds alike. */

const LOG2E: f32 = 1.44269504;
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;

/** e^x of four numbers, within 2 units in the last place; 0 below -87. After Cephes' expf. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const low = f32x4.splat(-87.0);
  const isTiny = f32x4.lt(x, low);
  x = f32x4.min(f32x4.max(x, low), f32x4.splat(88.0));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(LOG2E)));
  x = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  x = f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let y = f32x4.splat(1.9875691500e-4);
  y = f32x4.add(f32x4.mul(y, x), f32x4.splat(1.3981999507e-3));
  y = f32x4.add(f32x4.mul(y, x), f32x4.splat(8.3334519073e-3));
  y = f32x4.add(f32x4.mul(y, x), f32x4.splat(4.1665795894e-2));
  y = f32x4.add(f32x4.mul(y, x), f32x4.splat(1.6666665459e-1));
  y = f32x4.add(f32x4.mul(y, x), f32x4.splat(5.0000001201e-1));
  y = f32x4.add(f32x4.mul(y, f32x4.mul(x, x)), f32x4.add(x, f32x4.splat(1.0)));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(y, power), isTiny);
}

// @ts-ignore: decorator
@inline
export function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
export function maxOf(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** An IEEE 754 half as f32; halves that are no numbers become large ones. */
// @ts-ignore: decorator
@inline
export function fromHalf(bits: u32): f32 {
  const magnitude = reinterpret<f32>((bits & 0x7fff) << 13) * reinterpret<f32>(0x77800000); // 2^112
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** `count` numbers at `to` become x / rms(x) * weight; `count` is a multiple of 32. */
export function normalize(x: usize, weight: usize, to: usize, count: i32, epsilon: f32): void {
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  const bytes = <usize>count << 2;
  for (let at: usize = 0; at < bytes; at += 32) {
    const p = v128.load(x + at);
    const q = v128.load(x + at, 16);
    a = f32x4.add(a, f32x4.mul(p, p));
    b = f32x4.add(b, f32x4.mul(q, q));
  }
  const scale = f32x4.splat(1 / sqrt<f32>(sumOf(f32x4.add(a, b)) / <f32>count + epsilon));
  for (let at: usize = 0; at < bytes; at += 16)
    v128.store(to + at, f32x4.mul(f32x4.mul(v128.load(x + at), scale), v128.load(weight + at)));
}

/** Turns pairs of neighbours of a head by the angles of a position, and multiplies with `scale`. */
export function rotate(x: usize, angles: usize, headWidth: i32, scale: f32): void {
  const factor = f32x4.splat(scale);
  const bytes = <usize>headWidth << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const p = v128.load(x + at);
    const turned = v128.shuffle<i32>(p, p, 1, 0, 3, 2);
    const cosines = v128.load(angles + at);
    const sines = v128.load(angles + bytes + at); // of signs - + - +
    const sum = f32x4.add(f32x4.mul(p, cosines), f32x4.mul(turned, sines));
    v128.store(x + at, f32x4.mul(sum, factor));
  }
}

/** silu(gate) * up; `gate` and `up` lie behind each other. */
export function gated(gateUp: usize, to: usize, count: i32): void {
  const bytes = <usize>count << 2;
  const one = f32x4.splat(1);
  for (let at: usize = 0; at < bytes; at += 16) {
    const gate = v128.load(gateUp + at);
    const silu = f32x4.div(gate, f32x4.add(one, exp4(f32x4.neg(gate))));
    v128.store(to + at, f32x4.mul(silu, v128.load(gateUp + bytes + at)));
  }
}

// @ts-ignore: decorator
@inline
export function addTo(to: usize, value: v128, isAdding: bool): void {
  v128.store(to, isAdding ? f32x4.add(v128.load(to), value) : value);
}
