/** Frames and messages as a WebSocket carries them: text on JSON connections, bytes on CBOR ones. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import {
  type Codec,
  decodeCbor,
  decodeOutboundFrame,
  encodeFrame,
  encodePayload,
  type Frame,
  type InboundFrame,
} from '../wire/index.ts';
import type { Packet } from './calls.ts';

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** @throws BridgeError BRG_FRAME_TOO_LARGE (the bridge would close the connection), BRG_CBOR_DEPTH; TypeError for bigints and cycles */
export function framePacket(frame: InboundFrame, codec: Codec): Packet {
  return packet(encodeFrame(frame, codec), codec, frame.type);
}

/** A message of the application's own: bytes and, with JSON, strings go as they are. Throws as `framePacket`. */
export function messagePacket(message: unknown, codec: Codec): Packet {
  if (message instanceof Uint8Array) return message;
  if (codec === 'json' && typeof message === 'string') return message;
  return packet(encodePayload(message, codec), codec, 'message');
}

function packet(bytes: Uint8Array, codec: Codec, what: string): Packet {
  if (bytes.length > limits.frameBytesMax) {
    const message = `${what}: ${bytes.length} bytes, more than the ${limits.frameBytesMax} of a frame`;
    throw new BridgeError('BRG_FRAME_TOO_LARGE', message, {
      details: { bytes: bytes.length, bytesMax: limits.frameBytesMax },
    });
  }
  return codec === 'json' ? DECODER.decode(bytes) : bytes;
}

/** What came: a frame, or a message of the agent's author; null for a frame this version does not know. */
export function read(data: Packet, codec: Codec): { frame: Frame } | { message: unknown } | null {
  const isFrameLike = (typeof data === 'string') === (codec === 'json');
  if (!isFrameLike) return { message: data };
  try {
    return { frame: decodeOutboundFrame(typeof data === 'string' ? ENCODER.encode(data) : data, codec) };
  } catch {
    return typeof data === 'string' ? readText(data) : readBytes(data);
  }
}

/** Types of the protocol begin so (docs/protocol.md); a newer bridge may send more of them. */
const OURS = /^\s*\{[^]*"type"\s*:\s*"(cf_agent_|mooring_|rpc")/;

function readText(text: string): { message: unknown } | null {
  return OURS.test(text) ? null : { message: text };
}

function readBytes(bytes: Uint8Array): { message: unknown } | null {
  try {
    const message = decodeCbor(bytes);
    // Key 0 is the type number of a frame.
    const isFrame =
      typeof message === 'object' && message !== null && !Array.isArray(message) && '0' in message;
    return isFrame && !(message instanceof Uint8Array) ? null : { message };
  } catch {
    return { message: bytes };
  }
}
