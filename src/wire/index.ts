/**
 * The wire room: turns frames into bytes and bytes into checked frames. Runs in Node and in a browser
 * (no Node modules, no Buffer). Everything that comes in is hostile until a function here returned it.
 */
export { decodeCbor } from './cbor.ts';
export { type Codec, decodeFrame, decodeOutboundFrame, encodeFrame } from './codec.ts';
export { type Frame, frameClass, type FrameClass, type InboundFrame } from './frames.ts';
export { decodePayload, decodePayloadAs, encodePayload } from './payload.ts';
export { negotiateSubprotocol, SUBPROTOCOL_CBOR, SUBPROTOCOL_JSON } from './subprotocol.ts';
