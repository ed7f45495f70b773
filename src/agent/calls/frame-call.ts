import { limits } from '../../base/limits.ts';
import type { InboundFrame } from '../../wire/index.ts';
import type { AgentConnection } from '../connection.ts';
import type { CallDesk } from './call-desk.ts';

type RpcFrame = Extract<InboundFrame, { type: 'rpc' }>;

/** The source under which a connection's calls are counted, cancelled and forgotten. */
export function connectionSource(connection: number): string {
  return `connection ${connection}`;
}

/** A call over a protocol connection: chunks and the last answer are `rpc` frames. */
export function answerFrameCall(
  desk: CallDesk,
  connection: AgentConnection,
  frame: RpcFrame,
): void | Promise<void> {
  const { id } = frame;
  return desk.call(
    {
      source: connectionSource(Number(connection.id)),
      callsMax: limits.callsPerSourceMax,
      wantsChunks: true,
      connection,
      answer: (answer) => {
        if (answer.kind === 'error') {
          connection.sendFrame({ type: 'rpc', id, success: false, error: answer.message });
          return;
        }
        const done = answer.kind === 'value';
        // As in the Agents SDK: no value, no field.
        const result = answer.value === undefined ? {} : { result: answer.value };
        connection.sendFrame({ type: 'rpc', id, success: true, ...result, done });
      },
    },
    id,
    frame.method,
    frame.args,
  );
}
