/**
 * GGUF, the file format of llama.cpp: a head of named fields, a list of tensors, and their bytes.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Here is what reader and writer share.
 */

/** Types of a field's value, by their number in the file. */
export const VALUE_TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** Types of weights the engine runs: number in the file, weights of a block and its bytes. */
export const TENSOR_TYPES = {
  f32: { id: 0, blockWeights: 1, blockBytes: 4 },
  f16: { id: 1, blockWeights: 1, blockBytes: 2 },
  /** 32 int8 weights behind the f16 they are multiplied with. */
  q8_0: { id: 8, blockWeights: 32, blockBytes: 34 },
} as const;

export type TensorType = keyof typeof TENSOR_TYPES;

export const GGUF_MAGIC = 0x46554747; // "GGUF", little-endian
/** Where tensors begin, unless `general.alignment` says otherwise. */
export const GGUF_ALIGNMENT = 32;

/** A whole number beyond 2^53 is a bigint. @public */
export type GgufValue = string | number | bigint | boolean | readonly (string | number | bigint | boolean)[];

/** Weights of one name. @public */
export interface GgufTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Fastest first: of a matrix the columns, then the rows. */
  readonly dimensions: readonly number[];
  /** A view of the file. */
  readonly bytes: Uint8Array;
}

/** What a file holds. @public */
export interface GgufFile {
  readonly fields: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** Bytes of so many weights, a multiple of the type's block. */
export function tensorBytes(type: TensorType, weights: number): number {
  const { blockWeights, blockBytes } = TENSOR_TYPES[type];
  return (weights / blockWeights) * blockBytes;
}

const scratch = new DataView(new ArrayBuffer(4));

/** An IEEE 754 half as a number. @public */
export function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The half nearest to `value`, ties to even. */
export function toHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(Math.fround(value));
  if (Number.isNaN(magnitude)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const kept = bits & 0x7fffffff;
  const rounded = kept + 0xfff + ((kept >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
