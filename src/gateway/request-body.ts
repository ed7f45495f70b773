import type { IncomingMessage } from 'node:http';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** What a route accepts as its body. */
interface BodyRules {
  readonly mediaTypes: readonly string[];
}

/**
 * The request's body as a JSON value, null when it is empty. Throws BRG_BODY_TOO_LARGE,
 * BRG_UNSUPPORTED_MEDIA or BRG_BAD_REQUEST (not UTF-8, not JSON, nested too deeply).
 */
export async function readJsonBody(request: IncomingMessage, rules: BodyRules): Promise<unknown> {
  const bytes = await readBody(request);
  if (bytes.length === 0) return null;
  checkMedia(request, rules);
  const text = decodeUtf8(bytes);
  checkDepth(text);
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    throw new BridgeError('BRG_BAD_REQUEST', `the body is not JSON: ${(error as Error).message}`); // JSON.parse throws SyntaxError
  }
}

/**
 * The whole body, of any type. Throws BRG_BODY_TOO_LARGE or BRG_BAD_REQUEST (it broke off). Counts while it reads: Content-Length may be missing or a lie. A body over the limit is read on for a
 * while and thrown away; answering at once would reset the connection under a client still sending.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Leaving the loop must not destroy the socket: the answer still has to go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const piece = chunk as Buffer; // no encoding was set, so the stream yields Buffers
      bytes += piece.length;
      if (bytes <= limits.httpBodyBytesMax) chunks.push(piece);
      else chunks.length = 0;
      if (bytes > limits.httpBodyDrainBytesMax) break;
    }
  } catch {
    throw new BridgeError('BRG_BAD_REQUEST', 'the connection ended within the body');
  }
  if (bytes <= limits.httpBodyBytesMax) return Buffer.concat(chunks);
  throw new BridgeError('BRG_BODY_TOO_LARGE', `a body may have ${limits.httpBodyBytesMax} bytes`, {
    details: { bytesMax: limits.httpBodyBytesMax },
  });
}

function checkMedia(request: IncomingMessage, rules: BodyRules): void {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const media = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (encoding === 'identity' && rules.mediaTypes.includes(media)) return;
  throw new BridgeError(
    'BRG_UNSUPPORTED_MEDIA',
    `send the body as "content-type: ${rules.mediaTypes.join('" or "')}", not compressed`,
    { details: { accepted: rules.mediaTypes } },
  );
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BridgeError('BRG_BAD_REQUEST', 'the body is not UTF-8'); // RFC 8259 section 8.1
  }
}

/** The same depth as CBOR: whatever comes in by HTTP may leave as CBOR to a device. */
function checkDepth(text: string): void {
  let depth = 0;
  let isString = false;
  for (let index = 0; index < text.length; index++) {
    const char = text[index];
    if (isString) {
      if (char === '\\') index++;
      else if (char === '"') isString = false;
    } else if (char === '"') isString = true;
    else if (char === '{' || char === '[') depth++;
    else if (char === '}' || char === ']') depth--;
    if (depth > limits.cborDepthMax) {
      throw new BridgeError('BRG_BAD_REQUEST', `the body is nested deeper than ${limits.cborDepthMax}`);
    }
  }
}
