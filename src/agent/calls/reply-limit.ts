import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';

/** The bytes of an answer to a call, if a client would read that many. @throws BridgeError BRG_FRAME_TOO_LARGE */
export function withinReplyLimit(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= limits.frameOutBytesMax) return bytes;
  const message = `it has ${bytes.length} bytes, more than ${limits.frameOutBytesMax}`;
  throw new BridgeError('BRG_FRAME_TOO_LARGE', message);
}
