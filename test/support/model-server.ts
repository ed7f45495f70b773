/**
 * An OpenAI-compatible HTTP server that answers by script, over real HTTP on 127.0.0.1: chunks of any size,
 * gates, errors, cut connections. https://platform.openai.com/docs/api-reference/chat
 */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';

export interface ModelRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly stream?: boolean;
    readonly max_tokens?: number;
    readonly messages: readonly { readonly role: string; readonly content: unknown }[];
    readonly tools?: readonly { readonly function: { readonly name: string } }[];
  };
  /** Resolves when the client has closed the connection before the answer's end. */
  readonly gone: Promise<void>;
}

/** A call of a tool; `input` is JSON. */
export interface SaidCall {
  readonly id: string;
  readonly name: string;
  readonly input: string;
}

/** What the model says: pieces of text, or calls. */
export interface Said {
  readonly text?: readonly string[];
  readonly call?: SaidCall;
  /** Several at once. */
  readonly calls?: readonly SaidCall[];
  /** Wait before piece `n` (from 0) until this resolves. */
  readonly gate?: (piece: number) => Promise<void> | undefined;
  /** Tokens; `null`: the endpoint reports none. */
  readonly usage?: { readonly in: number; readonly out: number; readonly cached?: number } | null;
  /** Bytes a write; the default is one write a frame. */
  readonly chunkBytes?: number;
  /** Ends the connection after this many pieces, without an end of the answer. */
  readonly cutAfter?: number;
}

export type Script = (
  request: ModelRequest,
  response: ServerResponse,
) => Said | undefined | Promise<Said | undefined>;

export interface ModelServer extends AsyncDisposable {
  /** Base URL, as `openai-compatible:<url>#<name>` takes it. */
  readonly url: string;
  readonly requests: ModelRequest[];
  /** What answers from now on. It may write the response itself and return undefined. */
  script: Script;
}

export async function startModelServer(script: Script): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const gone = once(response, 'close').then(() => {});
      const body = JSON.parse(Buffer.concat(chunks).toString()) as ModelRequest['body']; // our own client wrote it
      const request = { path: incoming.url ?? '', headers: incoming.headers, body, gone };
      requests.push(request);
      const said = await started.script(request, response);
      if (said !== undefined) await answer(request, response, said);
    })().catch((error: unknown) => response.destroy(error as Error)); // the client sees the cut
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // TCP
  const started: ModelServer = {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    script,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return started;
}

/** An error as OpenAI writes it. */
export function fail(
  response: ServerResponse,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): undefined {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { message, type: 'scripted' } }));
}

async function answer({ body }: ModelRequest, response: ServerResponse, said: Said): Promise<void> {
  const usage = usageOf(said);
  if (body.stream === true) return stream(body.model, response, said, usage);
  for (const [piece] of (said.text ?? []).entries()) await said.gate?.(piece);
  const made = callsOf(said);
  const calls = made.length === 0 ? undefined : made.map(callOf);
  const message = { role: 'assistant', content: said.text?.join('') ?? null, tool_calls: calls };
  const choices = [{ index: 0, message, finish_reason: calls === undefined ? 'stop' : 'tool_calls' }];
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ id: 'c1', object: 'chat.completion', created: 1, model: body.model, choices, usage }),
  );
}

async function stream(model: string, response: ServerResponse, said: Said, usage: unknown): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const write = async (frame: string): Promise<void> => {
    const bytes = Buffer.from(frame);
    const size = said.chunkBytes ?? bytes.length;
    for (let start = 0; start < bytes.length; start += size) {
      response.write(bytes.subarray(start, start + size));
      // One write a tick, so that the kernel does not hand several over as one.
      if (said.chunkBytes !== undefined) await new Promise((resume) => setImmediate(resume));
    }
  };
  const send = (delta: unknown, finish: string | null = null, more: object = {}): Promise<void> =>
    write(
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`,
    );
  for (const [piece, text] of (said.text ?? []).entries()) {
    await said.gate?.(piece);
    if (piece === said.cutAfter) {
      // What was written is on its way before the end is.
      if (piece > 0) await new Promise((resume) => response.write('\n', resume));
      return void response.destroy();
    }
    await send(piece === 0 ? { role: 'assistant', content: text } : { content: text });
  }
  const calls = callsOf(said);
  for (const [index, call] of calls.entries()) await sendCall(index, call, send);
  await send({}, calls.length === 0 ? 'stop' : 'tool_calls');
  if (usage !== undefined)
    await write(
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [], usage })}\n\n`,
    );
  await write('data: [DONE]\n\n');
  response.end();
}

function callsOf({ call, calls = [] }: Said): readonly SaidCall[] {
  return call === undefined ? calls : [call, ...calls];
}

/** The arguments come in two pieces. */
async function sendCall(
  index: number,
  call: SaidCall,
  send: (delta: unknown) => Promise<void>,
): Promise<void> {
  const { function: made, ...rest } = callOf(call);
  const half = Math.floor(made.arguments.length / 2);
  const piece = (part: string, more: object): unknown => ({
    tool_calls: [
      { index, ...more, function: { ...('id' in more ? { name: made.name } : {}), arguments: part } },
    ],
  });
  await send(piece(made.arguments.slice(0, half), rest));
  await send(piece(made.arguments.slice(half), {}));
}

function callOf({ id, name, input }: SaidCall) {
  return { id, type: 'function', function: { name, arguments: input } };
}

function usageOf({ usage = { in: 20, out: 5 } }: Said) {
  if (usage === null) return undefined;
  return {
    prompt_tokens: usage.in,
    completion_tokens: usage.out,
    total_tokens: usage.in + usage.out,
    prompt_tokens_details: { cached_tokens: usage.cached ?? 0 },
  };
}
