/** Writes GGUF, version 3: what the trainer makes of its weights, and what tests read. */
import {
  GGUF_ALIGNMENT,
  GGUF_MAGIC,
  TENSOR_TYPES,
  VALUE_TYPES,
  tensorBytes,
  toHalf,
  type TensorType,
} from './gguf.ts';

/** A field with the type it gets in the file. @public */
export type GgufField =
  | string
  | boolean
  | readonly string[]
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly i32s: readonly number[] }
  | { readonly f32s: readonly number[] };

/** Weights to write. @public */
export interface GgufWeights {
  readonly name: string;
  readonly type: TensorType;
  /** Fastest first: of a matrix the columns, then the rows. */
  readonly dimensions: readonly number[];
  readonly weights: Float32Array;
}

/** The bytes of a file; the same for the same arguments. @public */
export function writeGguf(
  fields: Readonly<Record<string, GgufField>>,
  tensors: readonly GgufWeights[],
): Uint8Array {
  const head = new Writer();
  head.u32(GGUF_MAGIC);
  head.u32(3);
  head.u64(tensors.length);
  head.u64(Object.keys(fields).length);
  for (const [name, value] of Object.entries(fields)) {
    head.text(name);
    writeField(head, value);
  }
  const bodies = tensors.map(({ type, weights }) => packWeights(type, weights));
  let offset = 0;
  tensors.forEach(({ name, type, dimensions }, index) => {
    head.text(name);
    head.u32(dimensions.length);
    for (const size of dimensions) head.u64(size);
    head.u32(TENSOR_TYPES[type].id);
    head.u64(offset);
    offset += aligned(bodies[index]?.length ?? 0);
  });
  const start = aligned(head.length);
  const file = new Uint8Array(start + offset);
  file.set(head.bytes());
  let at = start;
  for (const body of bodies) {
    file.set(body, at);
    at += aligned(body.length);
  }
  return file;
}

function writeField(head: Writer, value: GgufField): void {
  if (typeof value === 'string') {
    head.u32(VALUE_TYPES.string);
    head.text(value);
  } else if (typeof value === 'boolean') {
    head.u32(VALUE_TYPES.bool);
    head.u8(value ? 1 : 0);
  } else if ('u32' in value) {
    head.u32(VALUE_TYPES.u32);
    head.u32(value.u32);
  } else if ('f32' in value) {
    head.u32(VALUE_TYPES.f32);
    head.f32(value.f32);
  } else if ('i32s' in value) {
    head.list(VALUE_TYPES.i32, value.i32s, (each) => head.u32(each >>> 0));
  } else if ('f32s' in value) {
    head.list(VALUE_TYPES.f32, value.f32s, (each) => head.f32(each));
  } else {
    head.list(VALUE_TYPES.string, value, (each) => head.text(each));
  }
}

/** Weights as they stand in a file. Those of `q8_0` are rounded as llama.cpp rounds them. */
function packWeights(type: TensorType, weights: Float32Array): Uint8Array {
  const bytes = new Uint8Array(tensorBytes(type, weights.length));
  const view = new DataView(bytes.buffer);
  switch (type) {
    case 'f32':
      weights.forEach((weight, index) => view.setFloat32(4 * index, weight, true));
      break;
    case 'f16':
      weights.forEach((weight, index) => view.setUint16(2 * index, toHalf(weight), true));
      break;
    case 'q8_0':
      for (let block = 0; 32 * block < weights.length; block++)
        packBlock(view, 34 * block, weights.subarray(32 * block, 32 * block + 32));
  }
  return bytes;
}

function packBlock(view: DataView, at: number, weights: Float32Array): void {
  const largest = weights.reduce((max, weight) => Math.max(max, Math.abs(weight)), 0);
  const scale = Math.fround(largest / 127);
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  view.setUint16(at, toHalf(scale), true);
  weights.forEach((weight, index) => {
    const scaled = Math.fround(weight * inverse);
    view.setInt8(at + 2 + index, Math.sign(scaled) * Math.round(Math.abs(scaled))); // ties away from zero
  });
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / GGUF_ALIGNMENT) * GGUF_ALIGNMENT;
}

/** Bytes that grow. */
class Writer {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  length = 0;

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number): void {
    const at = this.#grow(8);
    this.#view.setBigUint64(at, BigInt(value), true);
  }

  f32(value: number): void {
    const at = this.#grow(4);
    this.#view.setFloat32(at, value, true);
  }

  text(value: string): void {
    const bytes = this.#encoder.encode(value);
    this.u64(bytes.length);
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  list<T>(type: number, values: readonly T[], write: (value: T) => void): void {
    this.u32(VALUE_TYPES.array);
    this.u32(type);
    this.u64(values.length);
    for (const value of values) write(value);
  }

  /** Makes room, in other memory where needed; answers where it begins. */
  #grow(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
