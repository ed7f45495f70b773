/** f32 weights times f32 activations: exact as far as f32 is. Weights lie in groups of 8 rows, column after column. */
import { weightOf } from './matrix-int8';
import { addTo } from './numbers';

/** As `pack` of matrix-int8. */
export function pack(from: usize, type: i32, rows: i32, columns: i32, to: usize, firstRow: i32): void {
  for (let row = 0; row < rows; row++) {
    const place = firstRow + row;
    const start = to + ((<usize>((place >> 3) * columns)) << 5) + ((place & 7) << 2);
    for (let k = 0; k < columns; k++)
      store<f32>(start + ((<usize>k) << 5), weightOf(from, type, row * columns + k));
  }
}

/** Row `row` of a packed matrix. */
export function unpackRow(weights: usize, row: i32, columns: i32, to: usize): void {
  const start = weights + ((<usize>((row >> 3) * columns)) << 5) + ((row & 7) << 2);
  for (let k = 0; k < columns; k++) store<f32>(to + (k << 2), load<f32>(start + ((<usize>k) << 5)));
}

/** out[row][8 x groups] (+)= x[row] times the weights. */
export function multiply(
  weights: usize,
  groups: i32,
  columns: i32,
  rows: i32,
  x: usize,
  out: usize,
  outBytes: usize,
  isAdding: bool,
): void {
  const xBytes = (<usize>columns) << 2;
  for (let group = 0; group < groups; group++) {
    let row = 0;
    for (; row + 1 < rows; row += 2)
      twoRows(weights, columns, x + <usize>row * xBytes, out + <usize>row * outBytes, outBytes, isAdding);
    if (row < rows) oneRow(weights, columns, x + <usize>row * xBytes, out + <usize>row * outBytes, isAdding);
    weights += (<usize>columns) << 5;
    out += 32;
  }
}

function oneRow(weights: usize, columns: i32, x: usize, out: usize, isAdding: bool): void {
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  for (let k = 0; k < columns; k += 2) {
    const p = v128.load32_splat(x);
    a = f32x4.add(a, f32x4.mul(v128.load(weights), p));
    b = f32x4.add(b, f32x4.mul(v128.load(weights, 16), p));
    const q = v128.load32_splat(x, 4);
    c = f32x4.add(c, f32x4.mul(v128.load(weights, 32), q));
    d = f32x4.add(d, f32x4.mul(v128.load(weights, 48), q));
    weights += 64;
    x += 8;
  }
  addTo(out, f32x4.add(a, c), isAdding);
  addTo(out + 16, f32x4.add(b, d), isAdding);
}

/** The same sums in the same order, for two rows of activations that lie behind each other. */
function twoRows(weights: usize, columns: i32, x: usize, out: usize, outBytes: usize, isAdding: bool): void {
  let a0 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  let y = x + ((<usize>columns) << 2);
  for (let k = 0; k < columns; k += 2) {
    let p = v128.load32_splat(x);
    let q = v128.load32_splat(y);
    let w = v128.load(weights);
    a0 = f32x4.add(a0, f32x4.mul(w, p));
    a1 = f32x4.add(a1, f32x4.mul(w, q));
    w = v128.load(weights, 16);
    b0 = f32x4.add(b0, f32x4.mul(w, p));
    b1 = f32x4.add(b1, f32x4.mul(w, q));
    p = v128.load32_splat(x, 4);
    q = v128.load32_splat(y, 4);
    w = v128.load(weights, 32);
    c0 = f32x4.add(c0, f32x4.mul(w, p));
    c1 = f32x4.add(c1, f32x4.mul(w, q));
    w = v128.load(weights, 48);
    d0 = f32x4.add(d0, f32x4.mul(w, p));
    d1 = f32x4.add(d1, f32x4.mul(w, q));
    weights += 64;
    x += 8;
    y += 8;
  }
  addTo(out, f32x4.add(a0, c0), isAdding);
  addTo(out + 16, f32x4.add(b0, d0), isAdding);
  addTo(out + outBytes, f32x4.add(a1, c1), isAdding);
  addTo(out + outBytes + 16, f32x4.add(b1, d1), isAdding);
}
