import type { CodecName } from '../actor/index.ts';
import { decodeFrame } from '../wire/index.ts';

/** Frames that only ask for what one is sent anyway, or end it. */
const HARMLESS: readonly string[] = [
  'cf_agent_stream_resume_request',
  'cf_agent_stream_resume_ack',
  'mooring_cancel',
];

/** Whether a connection that may only listen may send this. What is no frame is for the agent's gate, which closes on it. */
export function mayListenerSend(frame: Uint8Array, isText: boolean, codec: CodecName): boolean {
  if (isText !== (codec === 'json')) return isText; // text on a CBOR connection; binary on a JSON one is the author's
  try {
    const type = decodeFrame(frame, codec, () => null)?.type;
    return type !== undefined && HARMLESS.includes(type);
  } catch {
    return true;
  }
}
