import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateText, jsonSchema, Output, streamText, tool } from 'ai';
import { afterAll, describe, expect, it } from 'vitest';
import { BridgeError } from '../../../src/base/errors.ts';
import { EngineHost } from '../../../src/inference/embedded/engine-host.ts';
import { EngineLink } from '../../../src/inference/embedded/engine-link.ts';
import { ModelHost, resolveModel } from '../../../src/inference/index.ts';
import { expectedTokens } from '../../support/fake-engine.ts';
import { until } from '../../support/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'mooring-engine-'));
const opener = new URL('../../support/fake-engine.ts', import.meta.url);
const engines = new EngineHost({ opener });
const file = join(directory, 'tiny.gguf');
writeFileSync(file, '');

afterAll(async () => {
  await engines.close();
  rmSync(directory, { recursive: true });
});

const linkTo = (path: string): EngineLink => new EngineLink(path, engines.connect);
const said = (prompt: string, max: number): string =>
  Buffer.from(expectedTokens(Buffer.from(prompt), max, 40)).toString();
const codeOf = (error: unknown): unknown => (error instanceof BridgeError ? error.code : error);
const totals = (): Record<string, number> => {
  const numbers: Record<string, number> = {};
  engines.addTo(numbers);
  return numbers;
};

describe('the engine in its thread', () => {
  it('starts with the first question, and answers those of several askers', async () => {
    const links = [linkTo('one'), linkTo('one')];
    expect(engines.threads).toBe(0);
    const answers = await Promise.all(
      links.flatMap((link, index) =>
        Array.from({ length: 20 }, (_, agent) =>
          link.generate({ agent: `a/${index}-${agent}`, prompt: `question ${agent}`, maxTokens: 10 }),
        ),
      ),
    );
    expect(engines.threads).toBe(1);
    answers.forEach(({ text }, index) => expect(text).toBe(said(`question ${index % 20}`, 10)));
    await until(() => (totals().engineAnswered ?? 0) >= 40);
    expect(totals()).toMatchObject({
      engineThreads: 1,
      engineRunning: 0,
      engineBlocksUsed: 0,
      engineFailed: 0,
    });
    for (const link of links) link.close();
  });

  it('hands pieces on as they come, and scores options', async () => {
    const link = linkTo('one');
    const pieces: string[] = [];
    const onText = (delta: string): void => void pieces.push(delta);
    const { text } = await link.generate({ agent: 'a/1', prompt: 'in pieces', maxTokens: 200 }, { onText });
    expect(pieces.join('')).toBe(text);
    const { logProbabilities } = await link.choose({ agent: 'a/1', prompt: 'which', options: ['a', 'bc'] });
    expect(logProbabilities).toHaveLength(2);
    link.close();
  });

  it('stops when the caller gives up, with the reason of the signal', async () => {
    const link = linkTo('one');
    const given = new AbortController();
    const reason = new Error('enough');
    const asked = link.generate(
      {
        agent: 'a/1',
        prompt: 'long',
        maxTokens: 3000,
        pattern: { repeat: { from: 'a', to: 'z' }, min: 2000 },
      },
      { signal: given.signal, onText: () => given.abort(reason) },
    );
    await expect(asked).rejects.toBe(reason);
    await until(() => totals().engineRunning === 0 && totals().engineBlocksUsed === 0);
    link.close();
  });

  it('says what is wrong with a file to all who asked, and looks at it again the next time', async () => {
    const link = linkTo('broken');
    const asked = ['a', 'b'].map((agent) =>
      link.generate({ agent, prompt: 'x', maxTokens: 1 }).catch(codeOf),
    );
    expect(await Promise.all(asked)).toEqual(['BRG_MODEL_FILE', 'BRG_MODEL_FILE']);
    expect(await link.generate({ agent: 'a', prompt: 'x', maxTokens: 1 }).catch(codeOf)).toBe(
      'BRG_MODEL_FILE',
    );
  });

  it('tells who waits when the thread dies, and answers the next question', async () => {
    const link = linkTo(join(directory, 'crashing'));
    const doomed = ['a/1', 'a/2'].map((agent) =>
      link.generate({ agent, prompt: 'crash now', maxTokens: 100 }).catch(codeOf),
    );
    expect(await Promise.all(doomed)).toEqual(['BRG_MODEL_UNAVAILABLE', 'BRG_MODEL_UNAVAILABLE']);
    const { text } = await link.generate({ agent: 'a/1', prompt: 'again', maxTokens: 5 });
    expect(text).toBe(said('again', 5));
    link.close();
  });

  it('refuses more models than it may have, and everything once it is closed', async () => {
    const own = new EngineHost({ opener, threadsMax: 1 });
    const links = ['1', '2'].map((path) => new EngineLink(path, own.connect));
    const ask = (link: EngineLink | undefined): Promise<unknown> =>
      link?.generate({ agent: 'a', prompt: 'x', maxTokens: 2 }).then(() => 'answered', codeOf) ??
      Promise.resolve();
    expect(await Promise.all(links.map(ask))).toEqual(['answered', 'BRG_MODEL_SPEC']);
    await own.close();
    expect(await ask(links[0])).toBe('BRG_STOPPING');
  });
});

describe('a model file as a language model', () => {
  const host = new ModelHost({ engines: engines.connect });
  afterAll(() => host.close());
  const model = resolveModel(`gguf:${file}`, host, { agent: 'pump/1' });
  const prompt = 'what now?';

  it('answers in one piece and as a stream, with tokens and those that were cached', async () => {
    const whole = await generateText({ model, prompt, maxOutputTokens: 30, maxRetries: 0 });
    expect(whole.text).toBe(said(`user: ${prompt}\nassistant: `, 30));
    const stream = streamText({ model, prompt, maxOutputTokens: 30, maxRetries: 0 });
    expect(await stream.text).toBe(whole.text);
    const usage = await stream.usage;
    expect(usage.inputTokens).toBe(`user: ${prompt}\nassistant: `.length);
    expect(usage.inputTokenDetails.cacheReadTokens).toBeGreaterThan(10);
    expect(await stream.providerMetadata).toMatchObject({ mooring: { tier: 'embedded' } });
  });

  it('is held to a JSON Schema', async () => {
    const schema = jsonSchema<{ on: boolean; level: number }>({
      type: 'object',
      properties: { on: { type: 'boolean' }, level: { enum: [1, 2, 3] } },
      required: ['on', 'level'],
    });
    const { output } = await generateText({
      model,
      prompt,
      output: Output.object({ schema }),
      maxRetries: 0,
    });
    expect([typeof output.on, [1, 2, 3].includes(output.level)]).toEqual(['boolean', true]);
  });

  it('calls a tool with arguments of its schema, and only one that was offered', async () => {
    const set = tool({
      description: 'sets the vent',
      inputSchema: jsonSchema<{ vent: string }>({
        type: 'object',
        properties: { vent: { type: 'string', enum: ['open', 'closed'] } },
        required: ['vent'],
      }),
    });
    const options = { model, prompt, tools: { set }, toolChoice: 'required', maxRetries: 0 } as const;
    for (const calls of [(await generateText(options)).toolCalls, await streamText(options).toolCalls]) {
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({
        toolName: 'set',
        input: { vent: expect.stringMatching(/^(open|closed)$/) as string },
      });
    }
    const free = await generateText({ ...options, toolChoice: 'none', maxOutputTokens: 10 });
    expect([free.toolCalls, free.text.length > 0]).toEqual([[], true]);
  });

  it('ends a stream with the reason of the signal, and takes none that has ended', async () => {
    const given = new AbortController();
    const { stream } = await model.doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: prompt }] }],
      responseFormat: { type: 'json', schema: { type: 'string', minLength: 64 } },
      maxOutputTokens: 3000,
      abortSignal: given.signal,
    });
    const reader = stream.getReader();
    await reader.read();
    given.abort(new Error('left'));
    const rest = async (): Promise<void> => {
      for (;;) if ((await reader.read()).done) return;
    };
    await expect(rest()).rejects.toThrow('left');
    await until(() => totals().engineRunning === 0);
  });

  it('is refused when there is no such file, and says of a prompt how far it is beyond the context', async () => {
    expect(() => resolveModel('gguf:/nowhere/x.gguf', host, { agent: 'a/1' })).toThrow(
      expect.objectContaining({ code: 'BRG_MODEL_SPEC' }) as BridgeError,
    );
    const long = await generateText({ model, prompt: 'x'.repeat(5000), maxRetries: 0 }).catch(
      (error: unknown) => error,
    );
    expect(long).toMatchObject({ code: 'BRG_MODEL_CONTEXT', details: { promptTokens: 5018 } });
  });
});
