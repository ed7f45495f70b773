import type { Connection } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import type { InboundFrame } from '../../wire/index.ts';
import type { Outbound } from '../outbound.ts';
import type { CallDesk } from './call-desk.ts';

type RpcFrame = Extract<InboundFrame, { type: 'rpc' }>;

/** The source under which a connection's calls are counted, cancelled and forgotten. */
export function connectionSource(connection: number): string {
  return `connection ${connection}`;
}

/** A call over a protocol connection: chunks and the last answer are `rpc` frames. */
export function answerFrameCall(
  desk: CallDesk,
  outbound: Outbound,
  connection: Connection,
  frame: RpcFrame,
): void | Promise<void> {
  const { id } = frame;
  return desk.call(
    {
      source: connectionSource(connection.id),
      callsMax: limits.callsPerSourceMax,
      wantsChunks: true,
      answer: (answer) => {
        if (answer.kind === 'error') {
          outbound.send(connection, { type: 'rpc', id, success: false, error: answer.message });
          return;
        }
        const done = answer.kind === 'value';
        outbound.send(connection, { type: 'rpc', id, success: true, result: answer.value ?? null, done });
      },
    },
    id,
    frame.method,
    frame.args,
  );
}
