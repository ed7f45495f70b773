import type { ActorContext, InboundRecord } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { downlinkTopics } from '../../device/index.ts';
import { encodePayload, type Codec } from '../../wire/index.ts';
import type { CallDesk } from './call-desk.ts';

/** A call over MQTT: `call/{method}/{cid}` is answered on `reply/{cid}`, whose subscriber it is. */
export function answerDeviceCall(
  desk: CallDesk,
  context: ActorContext,
  record: InboundRecord,
  args: unknown,
  codec: Codec,
): void | Promise<void> {
  const [method = '', cid = ''] = record.subject.split('/');
  if (!Array.isArray(args))
    throw new BridgeError('BRG_PAYLOAD_SHAPE', 'a call carries an array of arguments');
  const topic = downlinkTopics(context.address).reply(cid);
  return desk.call(
    {
      source: 'device',
      callsMax: limits.callsPerSourceMax,
      wantsChunks: false,
      answer: (answer) => {
        if (answer.kind === 'chunk') return;
        const reply =
          answer.kind === 'value'
            ? { ok: true, value: answer.value ?? null }
            : { ok: false, error: answer.message };
        context.publish({
          topic,
          payload: encodePayload(reply, codec),
          qos: 1,
          retain: false,
          connection: 0,
        });
      },
    },
    cid,
    method,
    args as unknown[], // an array of anything; the callable's schema checks it
  );
}
