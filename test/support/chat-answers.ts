/** What agents of chat-devices.ts answer, by the first word of the message. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  convertToModelMessages,
  simulateReadableStream,
  streamText,
  type UIMessage,
  type UIMessageChunk,
} from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import {
  chatErrorText,
  type ChatAnswer,
  type ChatFinish,
  type ChatTurnOptions,
} from '../../src/agent/index.ts';
import { BridgeError } from '../../src/base/errors.ts';

/** Where agents in this thread leave what happened to them. */
export const notes: string[] = [];
/** Answers that wait until a test lets them go on, by name. */
export const gates = new Map<string, PromiseWithResolvers<void>>();

export function gate(name: string): PromiseWithResolvers<void> {
  const known = gates.get(name);
  if (known !== undefined) return known;
  const fresh = Promise.withResolvers<void>();
  gates.set(name, fresh);
  return fresh;
}

/** A body of server-sent events, cut into pieces of this many bytes. */
export function sse(chunks: readonly unknown[], pieceBytes = Infinity): Response {
  const bytes = Buffer.from(
    chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('') + 'data: [DONE]\n\n',
  );
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(at, Math.min(at + pieceBytes, bytes.length)));
      at += Math.min(pieceBytes, bytes.length);
    },
  });
  return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
}

export function textChunks(...deltas: string[]): unknown[] {
  return [
    { type: 'start' },
    { type: 'text-start', id: 't' },
    ...deltas.map((delta) => ({ type: 'text-delta', id: 't', delta })),
    { type: 'text-end', id: 't' },
    { type: 'finish' },
  ];
}

export function textOf(message: UIMessage | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** A model that says this, as the AI SDK's mock. */
function model(text: string): MockLanguageModelV4 {
  return new MockLanguageModelV4({
    doStream: () =>
      Promise.resolve({
        stream: simulateReadableStream({
          chunks: [
            { type: 'stream-start' as const, warnings: [] },
            { type: 'text-start' as const, id: '1' },
            ...text.split(/(?<= )/).map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
            { type: 'text-end' as const, id: '1' },
            {
              type: 'finish' as const,
              finishReason: { unified: 'stop' as const, raw: 'stop' },
              usage: {
                inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
                outputTokens: { total: 1, text: 1, reasoning: 0 },
              },
            },
          ],
        }),
      }),
  });
}

function failingModel(error: unknown): MockLanguageModelV4 {
  return new MockLanguageModelV4({ doStream: () => Promise.reject(error) });
}

/** What an answer looks at. */
interface Chatting {
  readonly name: string;
  readonly messages: UIMessage[];
}

interface Asked {
  readonly agent: Chatting;
  readonly words: readonly string[];
  readonly onFinish: ChatFinish;
  readonly options: ChatTurnOptions;
}

type Answering = (asked: Asked) => ChatAnswer | Promise<ChatAnswer>;

const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

/** By the first word of the last message. */
const answers: Readonly<Record<string, Answering>> = {
  say: ({ words }) => sse(textChunks(...words)),
  pieces: ({ words: [count = '50', bytes = '64'] }) =>
    sse(textChunks(...Array.from({ length: Number(count) }, (_, n) => `ü${n} `)), Number(bytes)),
  text: ({ words }) => new Response(words.join(' ')),
  string: ({ words }) => words.join(' '),
  nothing: () => undefined,
  empty: () => new Response(null),
  status: () => new Response('the key is sk-secret', { status: 500 }),
  object: () => ({}) as ChatAnswer,
  broken: () =>
    new Response('data: {"type":"text-st\n\n', { headers: { 'content-type': 'text/event-stream' } }),
  throws: () => {
    throw new Error('the key is sk-secret');
  },
  overloaded: () => Promise.reject(new BridgeError('BRG_MODEL_OVERLOADED', 'the model endpoint is busy')),
  model: async ({ agent, words, onFinish, options }) =>
    streamText({
      model: model(words.join(' ')),
      messages: await convertToModelMessages(agent.messages),
      abortSignal: options.abortSignal,
      onFinish,
    }).toUIMessageStreamResponse(),
  result: ({ words }) => streamText({ model: model(words.join(' ')), prompt: 'x' }),
  'model-fails': () =>
    streamText({
      model: failingModel(new BridgeError('BRG_MODEL_TIMEOUT', 'the model said nothing for 30 s')),
      prompt: 'x',
      maxRetries: 0,
      onError: () => undefined,
    }),
  'model-leaks': () =>
    streamText({
      model: failingModel(new Error('401 for key sk-secret')),
      prompt: 'x',
      maxRetries: 0,
      onError: () => undefined,
    }).toUIMessageStreamResponse({ onError: chatErrorText }),
  hang: ({ agent, options }) => {
    notes.push(`${agent.name} hangs`);
    options.abortSignal.addEventListener('abort', () => void notes.push(`${agent.name} aborted`));
    return new Promise(() => undefined);
  },
  /** `gated a b c`: says a, waits for the gate of the agent's name, says the others. */
  gated: ({ agent, words: [first = '', ...others], options }) => {
    const chunks = textChunks(first, ...others);
    const stream = new ReadableStream({
      async start(controller) {
        for (const chunk of chunks.slice(0, 3)) controller.enqueue(chunk);
        await Promise.race([gate(agent.name).promise, stopped(options.abortSignal).catch(() => undefined)]);
        if (options.abortSignal.aborted) return controller.error(options.abortSignal.reason);
        for (const chunk of chunks.slice(3)) controller.enqueue(chunk);
        controller.close();
      },
    });
    return stream as ChatAnswer;
  },
  /** Does not hear that it was cancelled, and answers a stream afterwards. */
  deaf: async ({ agent, options }) => {
    notes.push(`${agent.name} asked`);
    await stopped(options.abortSignal).catch(() => undefined);
    await gate(agent.name).promise;
    return new ReadableStream({ cancel: () => void notes.push(`${agent.name} released`) }) as ChatAnswer;
  },
  /** `flood 100 4000`: so many pieces of so many characters, as fast as they are taken, each in a tick of its own. */
  flood: ({ words: [count = '1', characters = '1'] }) => {
    let n = 0;
    return new ReadableStream({
      start: (controller) => controller.enqueue({ type: 'text-start', id: 't' }),
      async pull(controller) {
        await new Promise((resume) => setImmediate(resume));
        if (n === Number(count)) return controller.close();
        controller.enqueue({ type: 'text-delta', id: 't', delta: `${n++} `.padEnd(Number(characters), 'x') });
      },
    }) as ChatAnswer;
  },
  /** Says numbers as long as it lives. */
  count: ({ options }) => {
    let n = 0;
    return new ReadableStream({
      start: (controller) => controller.enqueue({ type: 'text-start', id: 't' }),
      async pull(controller) {
        await sleep(2);
        if (options.abortSignal.aborted) return controller.close();
        controller.enqueue({ type: 'text-delta', id: 't', delta: `${n++} ` });
      },
    }) as ChatAnswer;
  },
  /** A tool of the client: the answer after its result says it. */
  locate: ({ options, agent }) => {
    if (options.continuation) return sse(textChunks(`you are in ${JSON.stringify(outputs(agent))}`));
    return sse([
      { type: 'start' },
      { type: 'tool-input-start', toolCallId: 'c1', toolName: 'where' },
      { type: 'tool-input-available', toolCallId: 'c1', toolName: 'where', input: { exact: true } },
      { type: 'finish' },
    ]);
  },
  /** A tool of the client, whose input is complete when the gate opens; then words. */
  early: ({ options, agent }) => {
    if (options.continuation) return `you are in ${JSON.stringify(outputs(agent))}`;
    return new ReadableStream({
      async start(controller) {
        controller.enqueue({ type: 'tool-input-start', toolCallId: 'c1', toolName: 'where' });
        await gate(agent.name).promise;
        controller.enqueue({ type: 'tool-input-available', toolCallId: 'c1', toolName: 'where', input: {} });
        for (const chunk of textChunks('looking')) controller.enqueue(chunk as UIMessageChunk);
        controller.close();
      },
    }) as ChatAnswer;
  },
  /** Asks for approval, and says something after it. */
  stop: ({ options, agent }) => {
    if (options.continuation) return sse(textChunks(`stopped: ${JSON.stringify(states(agent))}`));
    return sse([
      { type: 'start' },
      { type: 'tool-input-available', toolCallId: 'a1', toolName: 'stop', input: {} },
      { type: 'tool-approval-request', toolCallId: 'a1', approvalId: 'ok1' },
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'please approve' },
      { type: 'text-end', id: 't' },
      { type: 'finish' },
    ]);
  },
  data: ({ words: [rpm = '1'] }) =>
    sse([
      { type: 'start' },
      { type: 'data-reading', id: 'r', data: { rpm: Number(rpm) } },
      { type: 'data-note', data: 'free' },
      { type: 'data-reading', id: 'r', data: { rpm: Number(rpm) + 1 } },
      { type: 'data-reading', id: 'r', data: { rpm: 'fast' } },
      { type: 'data-progress', data: 50, transient: true },
      { type: 'finish' },
    ]),
  /** A message too large for a row: a file, reasoning, a tool's input and output, and text. */
  large: ({ words: [size = '700000'] }) => {
    const big = '😀'.repeat(Number(size) / 2);
    return sse([
      { type: 'start' },
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: `x${big}` },
      { type: 'reasoning-end', id: 'r' },
      { type: 'file', url: `data:text/plain,${'f'.repeat(2_600_000)}`, mediaType: 'text/plain' },
      { type: 'tool-input-available', toolCallId: 'c1', toolName: 'where', input: { big } },
      { type: 'tool-output-available', toolCallId: 'c1', output: { big } },
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'short' },
      { type: 'text-end', id: 't' },
    ]);
  },
};

function parts(agent: Chatting): { toolCallId?: string; state?: string; output?: unknown }[] {
  return agent.messages.flatMap(({ parts }) => parts as { toolCallId?: string }[]);
}

const outputs = (agent: Chatting): unknown[] =>
  parts(agent).flatMap(({ output }) => (output === undefined ? [] : [output]));
const states = (agent: Chatting): unknown[] =>
  parts(agent).flatMap(({ state, toolCallId }) => (toolCallId === undefined ? [] : [state]));

/** What the last message of the user asks for. */
export function answer(
  agent: Chatting,
  onFinish: ChatFinish,
  options: ChatTurnOptions,
): ChatAnswer | Promise<ChatAnswer> {
  const last = agent.messages.findLast(({ role }) => role === 'user');
  const [order = '', ...words] = textOf(last).split(' ');
  notes.push(`${agent.name} turn ${textOf(last)} ${JSON.stringify(options.body)}`);
  return (answers[order] ?? answers['say'])?.({ agent, words, onFinish, options });
}
