import type { ActorContext } from '../../actor/index.ts';
import type { CallDesk } from './call-desk.ts';

interface ApiCall {
  readonly method: string;
  readonly args: readonly unknown[];
  /** Who calls, as the audit log names it. */
  readonly by?: string;
}

/** A call over HTTP, or of another agent: only its last value counts. The gateway has checked the body's shape. */
export function answerApiCall(
  desk: CallDesk,
  context: ActorContext,
  request: number,
  body: unknown,
): void | Promise<void> {
  const { method, args, by = 'api' } = body as ApiCall; // docs/design/requests.md
  return desk.call(
    {
      source: 'api',
      callsMax: Infinity, // the gateway bounds its requests
      wantsChunks: false,
      by,
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
