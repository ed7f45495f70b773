import type { ActorContext, InboundRecord } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import { downlinkTopics } from '../../device/index.ts';
import { encodePayload, type Codec } from '../../wire/index.ts';
import type { CallAnswer, CallDesk } from './call-desk.ts';
import { withinReplyLimit } from './reply-limit.ts';

const SOURCE = 'device';

/** A call over MQTT: `call/{method}/{cid}` is answered on `reply/{cid}`, whose subscriber it is. */
export function answerDeviceCall(
  desk: CallDesk,
  context: ActorContext,
  record: InboundRecord,
  args: unknown,
  codec: Codec,
): void | Promise<void> {
  const [method = '', cid = ''] = record.subject.split('/');
  // Sent again after a lost connection: the answer is on its way.
  if (desk.isOpen(SOURCE, cid)) return undefined;
  const answer = (part: CallAnswer): void => {
    if (part.kind === 'chunk') return;
    const reply =
      part.kind === 'value' ? { ok: true, value: part.value ?? null } : { ok: false, error: part.message };
    replyTo(context, cid, reply, codec);
  };
  if (!Array.isArray(args)) {
    answer({ kind: 'error', code: 'BRG_CALL_ARGUMENTS', message: 'a call carries an array of arguments' });
    return undefined;
  }
  const caller = {
    source: SOURCE,
    callsMax: limits.callsPerSourceMax,
    wantsChunks: false,
    by: SOURCE,
    answer,
  };
  // An array of anything; the callable's schema checks it.
  return desk.call(caller, cid, method, args as unknown[]);
}

/** Publishes the reply to one call of the device. @throws BridgeError when it is larger than a reply may be */
export function replyTo(context: ActorContext, cid: string, reply: object, codec: Codec): void {
  const topic = downlinkTopics(context.address).reply(cid);
  const payload = withinReplyLimit(encodePayload(reply, codec));
  context.publish({ topic, payload, qos: 1, retain: false, connection: 0 });
}
