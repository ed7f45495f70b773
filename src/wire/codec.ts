/**
 * Frames to bytes and bytes to checked frames, driven by the table in frames.ts. A decoded frame has
 * exactly the fields of its row: unknown ones are ignored, an optional one that is null counts as absent.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { CLIENT_BOUNDS, type CborBounds, HOSTILE_BOUNDS } from './cbor-guard.ts';
import { encodeCborFields } from './cbor-writer.ts';
import { decodeCborWithin } from './cbor.ts';
import {
  type FieldType,
  type Frame,
  FRAMES,
  type FrameSpec,
  frameSpecByNumber,
  frameSpecByType,
  type InboundFrame,
} from './frames.ts';
import { decodeJson, encodeJson } from './json.ts';

/** How a connection's bytes are written. */
export type Codec = 'json' | 'cbor';

type Fields = Readonly<Record<string, unknown>>;

/**
 * JSON text in UTF-8, or a CBOR map with integer keys. Throws only for values that cannot be said:
 * bigints (TypeError), cycles, and in CBOR nesting beyond `limits.cborDepthMax` (BRG_CBOR_DEPTH).
 */
export function encodeFrame(frame: Frame | InboundFrame, codec: Codec): Uint8Array {
  const layout = LAYOUTS.get(frame.type);
  if (codec === 'json')
    return encodeJson(layout?.embedded === undefined ? frame : embedded(frame, layout.embedded));
  if (!layout) throw new BridgeError('BRG_FRAME_TYPE', `no frame of type ${String(frame.type)}`);
  const fields: Fields = frame; // every row's frame is an object with its fields
  const values = layout.names.map((name) => fields[name]);
  return encodeCborFields(layout.keys, [layout.number, ...values]);
}

/** The CBOR map of each frame, in the order of its row; `keys` starts with the type's key 0. */
const LAYOUTS: ReadonlyMap<string, Layout> = new Map(
  FRAMES.map((spec: FrameSpec) => [spec.type, layoutOf(spec)]),
);

interface Layout {
  readonly number: number;
  readonly keys: readonly number[];
  readonly names: readonly string[];
  /** The field that is JSON within JSON. */
  readonly embedded: string | undefined;
}

function layoutOf(spec: FrameSpec): Layout {
  const fields = Object.entries(spec.fields);
  return {
    embedded: fields.find(([, { type }]) => type === 'text-or-map')?.[0],
    number: spec.number,
    keys: [0, ...fields.map(([, field]) => field.key)],
    names: fields.map(([name]) => name),
  };
}

function embedded(frame: Fields, name: string): Fields {
  const value = frame[name];
  return isObject(value) ? { ...frame, [name]: JSON.stringify(value) } : frame;
}

/** A text that is no JSON object stays a text: what is said in place of a chunk. */
function unembedded(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('{')) return value;
  try {
    const parsed = decodeJson(new TextEncoder().encode(value), 'BRG_FRAME_SYNTAX');
    return isObject(parsed) ? parsed : value;
  } catch {
    return value;
  }
}

/**
 * One frame from a client. Throws BRG_FRAME_* and BRG_CBOR_*; their close codes say what to do.
 * @param otherwise gets the value that is no frame by its looks: in JSON no object with a known type, in CBOR no
 * map with the key 0; what it makes of it is the answer. Without it that is an error as well.
 */
export function decodeFrame<Other = never>(
  bytes: Uint8Array,
  codec: Codec,
  otherwise?: (value: unknown) => Other,
): InboundFrame | Other {
  const value = decodeValue(bytes, codec, limits.frameBytesMax, HOSTILE_BOUNDS);
  if (otherwise !== undefined && !isLikeFrame(value, codec)) return otherwise(value);
  const frame = checkedFrame(value, codec, 'in');
  return frame as InboundFrame; // checked against the row, from which the type is derived
}

/** One frame of the bridge, for its clients. Throws as `decodeFrame` does. */
export function decodeOutboundFrame(bytes: Uint8Array, codec: Codec): Frame {
  const value = decodeValue(bytes, codec, limits.frameOutBytesMax, CLIENT_BOUNDS);
  const frame = checkedFrame(value, codec, 'out');
  return frame as Frame; // checked against the row, from which the type is derived
}

function decodeValue(bytes: Uint8Array, codec: Codec, bytesMax: number, bounds: CborBounds): unknown {
  if (bytes.length > bytesMax) {
    throw new BridgeError('BRG_FRAME_TOO_LARGE', `a frame has ${bytes.length} bytes, more than ${bytesMax}`, {
      details: { bytes: bytes.length, bytesMax },
    });
  }
  return codec === 'json' ? decodeJson(bytes, 'BRG_FRAME_SYNTAX') : decodeCborWithin(bytes, bounds);
}

function isLikeFrame(value: unknown, codec: Codec): boolean {
  if (!isObject(value)) return false;
  return codec === 'json' ? specOf(value, codec, 'in') !== undefined : Object.hasOwn(value, '0');
}

/** The row of a frame that this side may send; undefined: there is none. */
function specOf(value: Fields, codec: Codec, side: 'in' | 'out'): FrameSpec | undefined {
  const spec = codec === 'json' ? frameSpecByType(value['type']) : frameSpecByNumber(value['0']);
  return spec?.direction === side || spec?.direction === 'both' ? spec : undefined;
}

function checkedFrame(value: unknown, codec: Codec, side: 'in' | 'out'): Fields {
  if (!isObject(value)) {
    const shape = codec === 'json' ? 'an object' : 'a map';
    throw new BridgeError('BRG_FRAME_SYNTAX', `a frame must be ${shape}`);
  }
  const spec = specOf(value, codec, side);
  if (spec === undefined) {
    const type = codec === 'json' ? value['type'] : value['0'];
    const sender = side === 'in' ? 'client' : 'bridge';
    const shown = typeof type === 'string' || typeof type === 'number' ? String(type).slice(0, 64) : 'none';
    throw new BridgeError('BRG_FRAME_TYPE', `no frame of a ${sender} has the type ${shown}`);
  }
  return checkedFields(spec, side, (name, key) => value[codec === 'json' ? name : String(key)]);
}

function checkedFields(
  spec: FrameSpec,
  side: 'in' | 'out',
  field: (name: string, key: number) => unknown,
): Fields {
  const frame: Record<string, unknown> = { type: spec.type };
  for (const [name, { key, type, optional, only }] of Object.entries(spec.fields)) {
    if (only !== undefined && only !== side) continue;
    const value = field(name, key);
    const isAbsent = value === undefined || (value === null && type !== 'any');
    if (isAbsent && optional) continue;
    if (isAbsent || !hasType(value, type)) {
      const problem = isAbsent ? 'is missing' : `is not of type ${type}`;
      throw new BridgeError('BRG_FRAME_FIELD', `${spec.type}: field ${name} ${problem}`, {
        details: { type: spec.type, field: name, key },
      });
    }
    frame[name] = type === 'text-or-map' ? unembedded(value) : value;
  }
  return frame;
}

function hasType(value: unknown, type: FieldType): boolean {
  switch (type) {
    case 'any':
      return true;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'text-or-map':
      return typeof value === 'string' || isObject(value);
    default:
      return typeof value === type;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}
