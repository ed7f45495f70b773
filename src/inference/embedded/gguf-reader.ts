/**
 * Reads GGUF, version 2 and 3, of which nothing is believed: a file may be cut, foreign or hostile.
 *
 * I1 Nothing is allocated by a count of the file before the bytes that it promises are known to be there.
 * I2 Tensors are views of the file's bytes: reading allocates names, fields and lists only.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import {
  GGUF_ALIGNMENT,
  GGUF_MAGIC,
  TENSOR_TYPES,
  VALUE_TYPES,
  tensorBytes,
  type GgufFile,
  type GgufTensor,
  type GgufValue,
  type TensorType,
} from './gguf.ts';

/** What a file's field must be, and is not. */
export function modelFileError(field: string, what: string): BridgeError {
  return new BridgeError('BRG_MODEL_FILE', `model file: ${field} ${what}`, { details: { field } });
}

/** The bytes of a model file. @throws BridgeError BRG_MODEL_FILE when there is none that can be read */
export function readModelFile(path: string): Uint8Array {
  let file;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'; // what fs throws
    throw new BridgeError('BRG_MODEL_FILE', `model file: ${path} cannot be read (${code})`, { cause });
  }
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw modelFileError('path', `${path} is no file`);
    const { size } = status;
    if (size > limits.modelFileBytesMax)
      throw modelFileError('size', `is ${size} bytes, at most ${limits.modelFileBytesMax} are allowed`);
    const bytes = new Uint8Array(size);
    let read = 0;
    while (read < size) {
      const count = readSync(file, bytes, read, size - read, read);
      if (count === 0) throw modelFileError('size', `was ${size} bytes and is now ${read}`);
      read += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** What `bytes` hold. @throws BridgeError BRG_MODEL_FILE naming the field that is wrong */
export function parseGguf(bytes: Uint8Array): GgufFile {
  const reader = new Reader(bytes);
  if (bytes.length < 24 || reader.u32('magic') !== GGUF_MAGIC)
    throw modelFileError('magic', 'is not GGUF: this is no model file');
  const version = reader.u32('version');
  if (version !== 2 && version !== 3) throw modelFileError('version', `is ${version}, 2 and 3 are known`);
  const tensorCount = reader.count('tensor_count', limits.modelFileTensorsMax, 24);
  const fieldCount = reader.count('metadata_kv_count', limits.modelFileFieldsMax, 13);
  const fields = new Map<string, GgufValue>();
  for (let index = 0; index < fieldCount; index++) {
    const name = reader.text(`name of field ${index}`, limits.modelFileNameBytesMax);
    if (fields.has(name)) throw modelFileError(name, 'is there twice');
    fields.set(name, readValue(reader, name, reader.u32(name)));
  }
  const alignment = fields.get('general.alignment') ?? GGUF_ALIGNMENT;
  if (typeof alignment !== 'number' || alignment < 8 || alignment > 65_536 || alignment % 8 !== 0)
    throw modelFileError('general.alignment', `is ${String(alignment)}, no multiple of 8 up to 65536`);
  const infos = Array.from({ length: tensorCount }, (_, index) => readTensorInfo(reader, index));
  const dataStart = Math.ceil(reader.offset / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const info of infos) {
    if (tensors.has(info.name)) throw modelFileError(info.name, 'is there twice');
    tensors.set(info.name, locate(info, bytes, dataStart, alignment));
  }
  return { fields, tensors };
}

interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  readonly dimensions: readonly number[];
  readonly offset: number;
}

function readTensorInfo(reader: Reader, index: number): TensorInfo {
  const name = reader.text(`name of tensor ${index}`, limits.modelFileNameBytesMax);
  const count = reader.u32(`${name} dimensions`);
  if (count < 1 || count > 4) throw modelFileError(name, `has ${count} dimensions, 1 to 4 are allowed`);
  const dimensions = Array.from({ length: count }, () => reader.whole(`${name} dimension`));
  const id = reader.u32(`${name} type`);
  const type = (Object.keys(TENSOR_TYPES) as TensorType[]).find((key) => TENSOR_TYPES[key].id === id); // exactly its keys
  if (type === undefined)
    throw modelFileError(name, `has weights of type ${id}; F32, F16 and Q8_0 are known`);
  return { name, type, dimensions, offset: reader.whole(`${name} offset`) };
}

function locate(info: TensorInfo, bytes: Uint8Array, dataStart: number, alignment: number): GgufTensor {
  const { name, type, dimensions, offset } = info;
  // Doubles hold the product exactly as long as it can fit the file at all.
  const weights = dimensions.reduce((product, size) => product * size, 1);
  const { blockWeights } = TENSOR_TYPES[type];
  if (weights === 0 || (dimensions[0] ?? 0) % blockWeights !== 0)
    throw modelFileError(
      name,
      `is of ${dimensions.join(' x ')} weights, rows must be a multiple of ${blockWeights}`,
    );
  if (offset % alignment !== 0)
    throw modelFileError(name, `begins at ${offset}, no multiple of ${alignment}`);
  const start = dataStart + offset;
  const end = start + tensorBytes(type, weights);
  if (!(end <= bytes.length))
    throw modelFileError(name, `ends at byte ${end} of a file of ${bytes.length} bytes: it is cut`);
  return { name, type, dimensions, bytes: bytes.subarray(start, end) };
}

type Scalar = string | number | bigint | boolean;

/** How a value is read, and the bytes it has at least. */
interface ValueReader {
  readonly bytes: number;
  read(reader: Reader, field: string): Scalar;
}

const VALUES: ReadonlyMap<number, ValueReader> = new Map<number, ValueReader>([
  [VALUE_TYPES.u8, { bytes: 1, read: (reader, field) => reader.take(field, 1).getUint8(0) }],
  [VALUE_TYPES.i8, { bytes: 1, read: (reader, field) => reader.take(field, 1).getInt8(0) }],
  [VALUE_TYPES.u16, { bytes: 2, read: (reader, field) => reader.take(field, 2).getUint16(0, true) }],
  [VALUE_TYPES.i16, { bytes: 2, read: (reader, field) => reader.take(field, 2).getInt16(0, true) }],
  [VALUE_TYPES.u32, { bytes: 4, read: (reader, field) => reader.u32(field) }],
  [VALUE_TYPES.i32, { bytes: 4, read: (reader, field) => reader.take(field, 4).getInt32(0, true) }],
  [VALUE_TYPES.f32, { bytes: 4, read: (reader, field) => reader.take(field, 4).getFloat32(0, true) }],
  [VALUE_TYPES.bool, { bytes: 1, read: (reader, field) => reader.take(field, 1).getUint8(0) !== 0 }],
  [
    VALUE_TYPES.string,
    { bytes: 8, read: (reader, field) => reader.text(field, limits.modelFileTextBytesMax) },
  ],
  [
    VALUE_TYPES.u64,
    { bytes: 8, read: (reader, field) => narrow(reader.take(field, 8).getBigUint64(0, true)) },
  ],
  [
    VALUE_TYPES.i64,
    { bytes: 8, read: (reader, field) => narrow(reader.take(field, 8).getBigInt64(0, true)) },
  ],
  [VALUE_TYPES.f64, { bytes: 8, read: (reader, field) => reader.take(field, 8).getFloat64(0, true) }],
]);

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function readValue(reader: Reader, field: string, type: number): GgufValue {
  if (type !== VALUE_TYPES.array) return valueReader(field, type).read(reader, field);
  const { bytes, read } = valueReader(field, reader.u32(field)); // a list of lists is no type of this table
  const count = reader.count(field, limits.modelFileListMax, bytes);
  const list = new Array<Scalar>(count);
  for (let index = 0; index < count; index++) list[index] = read(reader, field);
  return list;
}

function valueReader(field: string, type: number): ValueReader {
  const found = VALUES.get(type);
  if (found === undefined)
    throw modelFileError(field, `has a value of type ${type}, which is not known here`);
  return found;
}

/** Walks through the head of a file. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  u32(field: string): number {
    const at = this.#advance(field, 4);
    return this.#view.getUint32(at, true);
  }

  take(field: string, bytes: number): DataView {
    const at = this.#advance(field, bytes);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + at, bytes);
  }

  /** A u64 that is a size or a place. */
  whole(field: string): number {
    const at = this.#advance(field, 8);
    const value = this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
    if (value > Number.MAX_SAFE_INTEGER) throw modelFileError(field, 'is beyond 2^53');
    return value;
  }

  /** A u64 that says how many things of at least `bytesEach` follow. */
  count(field: string, max: number, bytesEach: number): number {
    const value = this.whole(field);
    if (value > max) throw modelFileError(field, `is of ${value} entries, at most ${max} are allowed`);
    const left = this.#bytes.length - this.#offset;
    if (value * bytesEach > left)
      throw modelFileError(field, `is of ${value} entries, and ${left} bytes are left: the file is cut`);
    return value;
  }

  text(field: string, bytesMax: number): string {
    const length = this.whole(field);
    if (length > bytesMax)
      throw modelFileError(field, `is a text of ${length} bytes, at most ${bytesMax} are allowed`);
    const at = this.#advance(field, length);
    try {
      return this.#decoder.decode(this.#bytes.subarray(at, at + length));
    } catch (cause) {
      throw new BridgeError('BRG_MODEL_FILE', `model file: ${field} is no UTF-8`, {
        cause,
        details: { field },
      });
    }
  }

  #advance(field: string, bytes: number): number {
    const at = this.#offset;
    if (at + bytes > this.#bytes.length)
      throw modelFileError(field, `ends behind the file of ${this.#bytes.length} bytes: it is cut`);
    this.#offset = at + bytes;
    return at;
  }
}
