/**
 * What every model of the bridge does, whatever is behind it: the LanguageModelV4 protocol of the AI SDK 7.
 * A peer answers the same three conversations; see CONVERSATIONS.
 */
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { resolveModel } from '../../src/inference/index.ts';

type Model = ReturnType<typeof resolveModel>;
type Options = Parameters<Model['doStream']>[0];
type Prompt = Options['prompt'];
type Part = Awaited<ReturnType<Model['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;

export interface ModelPeer extends AsyncDisposable {
  readonly model: Model;
  /** Lets everything after the first piece of a text wait for ever, until `free`. */
  hold(): void;
  free(): void;
  /** Makes the next requests fail, and says with what code; undefined: nothing can fail. */
  readonly breakIt?: (() => string) | undefined;
  /** Whether it says how many tokens it used; else it says 0. */
  readonly countsTokens: boolean;
}

/** Parts that say: a temperature of 21.5 when asked; a call of set_pump when told; `on` after its result. */
const SYSTEM = 'You are pump p1.\ntemperature: 21.5';
const ASK = 'What is the temperature?';
const TELL = 'Turn on the pump';
const PUMP: NonNullable<Options['tools']>[number] = {
  type: 'function',
  name: 'set_pump',
  inputSchema: { type: 'object', properties: { value: { enum: ['on', 'off'] } }, required: ['value'] },
};

const said = (text: string): Prompt => [
  { role: 'system', content: SYSTEM },
  { role: 'user', content: [{ type: 'text', text }] },
];

async function readAll(stream: ReadableStream<Part>): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

function textIn(parts: readonly Part[]): string {
  return parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
}

export function languageModelConformance(name: string, start: () => Promise<ModelPeer>): void {
  describe(`language model: ${name}`, () => {
    let peer: ModelPeer;
    beforeEach(async () => void (peer = await start()));
    afterEach(() => peer[Symbol.asyncDispose]());

    it('generates a text, with why it ended and what it used', async () => {
      const { content, finishReason, usage } = await peer.model.doGenerate({ prompt: said(ASK) });
      expect(content).toMatchObject([{ type: 'text', text: expect.stringContaining('21.5') as string }]);
      expect(finishReason.unified).toBe('stop');
      expect(usage.inputTokens.total).toBe(peer.countsTokens ? 20 : 0);
      expect(usage.outputTokens.total).toBe(peer.countsTokens ? 5 : 0);
    });

    it('streams the same text in pieces, between a start and one finish with the usage', async () => {
      const { stream } = await peer.model.doStream({ prompt: said(ASK) });
      const parts = await readAll(stream);
      const types = parts.map(({ type }) => type);
      expect(textIn(parts)).toContain('21.5');
      expect(types[0]).toBe('stream-start');
      expect(types.filter((type) => type === 'text-delta').length).toBeGreaterThan(1);
      expect(types.filter((type) => type === 'text-start')).toHaveLength(1);
      expect(types.indexOf('text-end')).toBeGreaterThan(types.lastIndexOf('text-delta'));
      expect(parts.at(-1)).toMatchObject({
        type: 'finish',
        finishReason: { unified: 'stop' },
        usage: { inputTokens: { total: peer.countsTokens ? 20 : 0 } },
      });
      expect(types.filter((type) => type === 'finish')).toHaveLength(1);
    });

    it('calls a tool, and answers with a text once the result is in the prompt', async () => {
      const options: Options = { prompt: said(TELL), tools: [PUMP] };
      const { content, finishReason } = await peer.model.doGenerate(options);
      const call = content.find((part) => part.type === 'tool-call');
      expect(call).toMatchObject({ toolName: 'set_pump', input: '{"value":"on"}' });
      expect(finishReason.unified).toBe('tool-calls');
      const toolCallId = call?.toolCallId ?? '';
      const prompt: Prompt = [
        ...options.prompt,
        {
          role: 'assistant',
          content: [{ type: 'tool-call', toolCallId, toolName: 'set_pump', input: { value: 'on' } }],
        },
        {
          role: 'tool',
          content: [
            {
              type: 'tool-result',
              toolCallId,
              toolName: 'set_pump',
              output: { type: 'json', value: { pump: 'on' } },
            },
          ],
        },
      ];
      const answer = await peer.model.doGenerate({ ...options, prompt });
      expect(answer.content).toMatchObject([{ type: 'text', text: expect.stringContaining('on') as string }]);
      expect(answer.finishReason.unified).toBe('stop');
    });

    it('streams a tool call: its input in pieces, then whole', async () => {
      const { stream } = await peer.model.doStream({ prompt: said(TELL), tools: [PUMP] });
      const parts = await readAll(stream);
      const input = parts.map((part) => (part.type === 'tool-input-delta' ? part.delta : '')).join('');
      expect(input).toBe('{"value":"on"}');
      const calls = parts.filter((part) => part.type === 'tool-call');
      expect(calls).toMatchObject([{ toolName: 'set_pump', input: '{"value":"on"}' }]);
      expect(parts.find((part) => part.type === 'tool-input-start')?.id).toBe(calls[0]?.toolCallId);
      expect(parts.at(-1)).toMatchObject({ type: 'finish', finishReason: { unified: 'tool-calls' } });
    });

    it('stops in the middle with the reason of the signal, and works afterwards', async () => {
      peer.hold();
      const controller = new AbortController();
      const { stream } = await peer.model.doStream({ prompt: said(ASK), abortSignal: controller.signal });
      const reader = stream.getReader();
      for (let part = await reader.read(); part.value?.type !== 'text-delta'; part = await reader.read());
      const rest = (async () => {
        for (let part = await reader.read(); !part.done; part = await reader.read());
      })();
      const reason = new DOMException('enough', 'AbortError');
      controller.abort(reason);
      await expect(rest).rejects.toBe(reason);
      peer.free();
      const { content } = await peer.model.doGenerate({ prompt: said(ASK) });
      expect(content).toHaveLength(1);
    });

    it('does not begin when the signal was aborted before', async () => {
      const reason = new DOMException('too late', 'AbortError');
      const abortSignal = AbortSignal.abort(reason);
      await expect(peer.model.doGenerate({ prompt: said(ASK), abortSignal })).rejects.toBe(reason);
      await expect(peer.model.doStream({ prompt: said(ASK), abortSignal })).rejects.toBe(reason);
    });

    it('fails with a stable code and a text that may be shown', async ({ skip }) => {
      if (peer.breakIt === undefined) return skip('the rules cannot fail: they ask nobody');
      const code = peer.breakIt();
      await expect(peer.model.doGenerate({ prompt: said(ASK) })).rejects.toMatchObject({ code });
      await expect(peer.model.doStream({ prompt: said(ASK) })).rejects.toMatchObject({ code });
    });

    it('works with generateText of the AI SDK, tool executed between two steps', async () => {
      const done: unknown[] = [];
      const { text, steps } = await generateText({
        model: peer.model,
        instructions: SYSTEM,
        prompt: TELL,
        stopWhen: stepCountIs(3),
        tools: { set_pump: pumpTool(done) },
      });
      expect(done).toEqual([{ value: 'on' }]);
      expect(steps).toHaveLength(2);
      expect(text).toContain('on');
    });

    it('works with streamText of the AI SDK, and with its abort', async () => {
      const whole = streamText({ model: peer.model, instructions: SYSTEM, prompt: ASK });
      expect(await whole.text).toContain('21.5');
      peer.hold();
      const controller = new AbortController();
      const cut = streamText({
        model: peer.model,
        instructions: SYSTEM,
        prompt: ASK,
        abortSignal: controller.signal,
      });
      const types: string[] = [];
      for await (const part of cut.stream) {
        types.push(part.type);
        if (part.type === 'text-delta') controller.abort();
      }
      expect(types.at(-1)).toBe('abort');
      peer.free();
    });
  });
}

function pumpTool(done: unknown[]) {
  return tool({
    inputSchema: jsonSchema<{ value: string }>({
      type: 'object',
      properties: { value: { enum: ['on', 'off'] } },
      required: ['value'],
    }),
    execute: (input) => {
      done.push(input);
      return { pump: input.value };
    },
  });
}
