import type { ActorContext } from '../../actor/index.ts';
import type { CallDesk } from './call-desk.ts';

/** A call over HTTP: only its last value counts. The gateway has checked the body's shape. */
export function answerApiCall(desk: CallDesk, context: ActorContext, request: number, body: unknown): void {
  const { method, args } = body as { method: string; args: readonly unknown[] }; // docs/design/requests.md
  void desk.call(
    {
      source: 'api',
      callsMax: Infinity, // the gateway bounds its requests
      wantsChunks: false,
      answer: (answer) => {
        if (answer.kind === 'value') context.reply(request, { value: answer.value ?? null });
        else if (answer.kind === 'error') context.replyError(request, answer.code, answer.message);
      },
    },
    String(request),
    method,
    args,
  );
}
