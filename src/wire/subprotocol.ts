import type { Codec } from './codec.ts';

/** WebSocket subprotocols (RFC 6455 section 1.9). The number is the version of the frame table. */
export const SUBPROTOCOL_CBOR = 'mooring.v1.cbor';
export const SUBPROTOCOL_JSON = 'mooring.v1.json';

const CODECS: ReadonlyMap<string, Codec> = new Map([
  [SUBPROTOCOL_CBOR, 'cbor'],
  [SUBPROTOCOL_JSON, 'json'],
]);

/**
 * The first of the client's subprotocols, in its order of preference, that is ours. Nothing offered
 * is JSON without a subprotocol (the Agents SDK's client). null: all unknown, refuse the connection.
 */
export function negotiateSubprotocol(
  offered: readonly string[],
): { codec: Codec; subprotocol: string | null } | null {
  if (offered.length === 0) return { codec: 'json', subprotocol: null };
  for (const subprotocol of offered) {
    const codec = CODECS.get(subprotocol);
    if (codec) return { codec, subprotocol };
  }
  return null;
}
