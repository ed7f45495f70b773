/**
 * HTTP requests to an agent: `onRequest` gets a WHATWG Request and answers a Response. Both cross the threads as
 * JSON, bodies in base64 (docs/design/requests.md, `request`); the answer leaves after the commit of its turn.
 *
 * I1 Every request gets one answer, whatever `onRequest` does; at its deadline the lane is free again.
 */
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { onBehalfOf, traced } from './author-code.ts';
import { runForRequest } from './current-agent.ts';
import { within } from './within.ts';

/** Written by the gateway. */
interface WebRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: [string, string][];
  /** Base64; null: none. */
  readonly body: string | null;
  /** Who asks, as the audit log names it. */
  readonly by?: string;
}

interface WebAnswer {
  readonly status: number;
  readonly headers: [string, string][];
  /** Base64. */
  readonly body: string;
}

/** Why there is no Response that could be sent; its message may be shown. */
class NoAnswer extends BridgeError {
  constructor(message: string) {
    super('BRG_REQUEST_FAILED', message);
  }
}

/** One turn of the device lane. Never rejects. */
export async function answerWebRequest(agent: Agent, request: number, body: unknown): Promise<void> {
  const parts = agent[PARTS];
  const { context } = parts;
  context.turn.ownDeadline();
  const late = new AbortController();
  try {
    const asked = body as WebRequest;
    const answering = answerOf(agent, webRequest(asked, late.signal), asked.by ?? 'api');
    context.reply(request, await within(context, limits.callDeadlineMs, 'onRequest', answering));
  } catch (error) {
    late.abort(error);
    await parts.hookFailed(error);
    const failure = asBridgeError(error);
    const isOurs = failure instanceof NoAnswer || failure.code === 'BRG_TIMEOUT';
    // What an author's code throws is for the log, not for whoever asks.
    if (isOurs) context.replyError(request, failure.code, failure.message);
    else context.replyError(request, 'BRG_REQUEST_FAILED', 'onRequest failed; the log has more');
  }
}

function webRequest({ method, url, headers, body }: WebRequest, signal: AbortSignal): Request {
  const bytes = body === null ? {} : { body: Buffer.from(body, 'base64') };
  return new Request(url, { method, headers, signal, ...bytes });
}

async function answerOf(agent: Agent, request: Request, by: string): Promise<WebAnswer> {
  const messages = chatMessages(agent, request);
  const run = (): unknown => messages ?? runForRequest(agent, request, () => agent.onRequest(request));
  const response: unknown = await agent[PARTS].context.attempt(() =>
    onBehalfOf(agent, by, () => traced(agent, 'onRequest', undefined, run)),
  );
  if (!(response instanceof Response)) throw new NoAnswer('onRequest answered no Response');
  if (response.type === 'error') throw new NoAnswer('onRequest answered Response.error()');
  return {
    status: response.status,
    headers: headersOf(response),
    body: await collected(response, request.signal),
  };
}

/** Where clients of the Agents SDK ask for the messages of a chat. */
function chatMessages(agent: Agent, request: Request): Response | undefined {
  const { chat } = agent[PARTS];
  const isAsked = request.method === 'GET' && new URL(request.url).pathname.endsWith('/get-messages');
  return chat !== undefined && isAsked ? Response.json(chat.list()) : undefined;
}

function headersOf(response: Response): [string, string][] {
  // What `fetch` brought is decoded already: these speak of the bytes that came.
  const isFetched = response.type !== 'default';
  const headers = [...response.headers].filter(
    ([name]) => !isFetched || !/^content-(encoding|length)$/.test(name),
  );
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes <= limits.httpAnswerHeaderBytesMax) return headers;
  throw new NoAnswer(
    `the headers of the Response have ${bytes} bytes, more than ${limits.httpAnswerHeaderBytesMax}`,
  );
}

/** The whole body, a streamed one as well. */
async function collected(response: Response, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    // Leaving the loop cancels the stream.
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > limits.httpAnswerBytesMax) {
      throw new NoAnswer(`the body of the Response has more than ${limits.httpAnswerBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('base64');
}
