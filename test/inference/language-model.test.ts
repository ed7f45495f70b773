import { MockLanguageModelV4 } from 'ai/test';
import { BridgeError } from '../../src/base/errors.ts';
import { ModelHost, resolveModel } from '../../src/inference/index.ts';
import { languageModelConformance, type ModelPeer } from '../conformance/language-model.ts';
import { fail, startModelServer, type ModelRequest, type Said } from '../support/model-server.ts';

// The SDK prints the warnings of each call of the rules.
globalThis.AI_SDK_LOG_WARNINGS = false;

const CALLER = { agent: 'pump/p1' };

languageModelConformance('rules', () => {
  const nothing = (): void => {};
  return Promise.resolve({
    model: resolveModel('rules', new ModelHost(), CALLER),
    hold: nothing, // its stream waits for whoever reads it
    free: nothing,
    countsTokens: false,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

languageModelConformance('an OpenAI-compatible endpoint', async (): Promise<ModelPeer> => {
  let gate = Promise.withResolvers<void>();
  let isHeld = false;
  const holding = (piece: number): Promise<void> | undefined =>
    isHeld && piece > 0 ? gate.promise : undefined;
  const server = await startModelServer((request) => ({ ...reply(request), gate: holding }));
  const host = new ModelHost({ random: () => 0, environment: {} });
  return {
    model: resolveModel(`openai-compatible:${server.url}#tiny`, host, CALLER),
    hold: () => void (isHeld = true),
    free() {
      isHeld = false;
      gate.resolve();
      gate = Promise.withResolvers();
    },
    breakIt() {
      server.script = (_, response) => fail(response, 400, 'context too long');
      return 'BRG_MODEL_REQUEST';
    },
    countsTokens: true,
    async [Symbol.asyncDispose]() {
      host.close();
      await server[Symbol.asyncDispose]();
    },
  };
});

languageModelConformance('a model object of an author', (): Promise<ModelPeer> => {
  let isHeld = false;
  let isBroken = false;
  const broken = (): void => {
    if (isBroken) throw new BridgeError('BRG_MODEL_REQUEST', 'scripted');
  };
  const inner = new MockLanguageModelV4({
    // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous
    doGenerate: async (options) => {
      broken();
      const { text = [], call } = reply({ body: { messages: options.prompt, tools: options.tools } });
      return {
        content: call === undefined ? [{ type: 'text', text: text.join('') }] : [toolCall(call)],
        finishReason: finishReason(call),
        usage: USAGE,
        warnings: [],
      };
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- the interface is asynchronous
    doStream: async (options) => {
      broken();
      const { text = [], call } = reply({ body: { messages: options.prompt, tools: options.tools } });
      const parts: Part[] = [{ type: 'stream-start', warnings: [] }];
      if (call === undefined)
        parts.push(
          { type: 'text-start', id: 't' },
          ...text.map((delta): Part => ({ type: 'text-delta', id: 't', delta })),
          { type: 'text-end', id: 't' },
        );
      else
        parts.push(
          { type: 'tool-input-start', id: call.id, toolName: call.name },
          { type: 'tool-input-delta', id: call.id, delta: call.input },
          { type: 'tool-input-end', id: call.id },
          toolCall(call),
        );
      parts.push({ type: 'finish', finishReason: finishReason(call), usage: USAGE });
      let count = 0;
      const stream = new ReadableStream<Part>({
        // It knows nothing of the signal: the stop is ours.
        pull(controller) {
          if (isHeld && count > 2) return new Promise(() => {});
          const part = parts[count++];
          if (part === undefined) controller.close();
          else controller.enqueue(part);
          return undefined;
        },
      });
      return { stream };
    },
  });
  return Promise.resolve({
    model: resolveModel(inner, new ModelHost(), CALLER),
    hold: () => void (isHeld = true),
    free: () => void (isHeld = false),
    breakIt() {
      isBroken = true;
      return 'BRG_MODEL_REQUEST';
    },
    countsTokens: true,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

type Result = Awaited<ReturnType<MockLanguageModelV4['doStream']>>;
type Part = Result['stream'] extends ReadableStream<infer P> ? P : never;
type Call = NonNullable<Said['call']>;

const USAGE = {
  inputTokens: { total: 20, noCache: 20, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};

function toolCall({ id, name, input }: Call) {
  return { type: 'tool-call' as const, toolCallId: id, toolName: name, input };
}

function finishReason(call: Call | undefined) {
  return { unified: call === undefined ? ('stop' as const) : ('tool-calls' as const), raw: undefined };
}

interface Conversation {
  readonly body: { readonly messages: readonly { readonly role: string }[]; readonly tools?: unknown };
}

let calls = 0;
/** What a model says in the conversations of the suite. */
function reply({ body }: Conversation | ModelRequest): Said {
  const isAfterTool = body.messages.at(-1)?.role === 'tool';
  if (isAfterTool) return { text: ['The pump ', 'is on.'] };
  if (body.tools !== undefined)
    return { call: { id: `c${++calls}`, name: 'set_pump', input: '{"value":"on"}' } };
  return { text: ['It is ', '21.5 ', 'degrees.'] };
}
