import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { resolveModel } from '../../src/inference/index.ts';
import { fail } from '../support/model-server.ts';
import { failureOf, PROMPT, server, start, streamText, useModelServer } from '../support/remote-models.ts';

const KEY = 'sk-very/secret+key-0123456789';

useModelServer();

describe('the key of a remote model', () => {
  it('sends the key, the same affinity for the same agent, and no name of it', async () => {
    const settings = { environment: { MOORING_MODEL_KEY: `${KEY}\n` } };
    const { host, model } = start(settings, 'pump/p1');
    await model.doGenerate({ prompt: PROMPT });
    await streamText(model);
    await resolveModel(`openai-compatible:${server.url}#tiny`, host, { agent: 'pump/p2' }).doGenerate({
      prompt: PROMPT,
    });
    const [first, second, other] = server.requests;
    expect(first?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(first?.path).toBe('/v1/chat/completions');
    expect(first?.headers['x-session-affinity']).toMatch(/^[0-9a-f]{32}$/);
    expect(second?.headers['x-session-affinity']).toBe(first?.headers['x-session-affinity']);
    expect(other?.headers['x-session-affinity']).not.toBe(first?.headers['x-session-affinity']);
    expect(JSON.stringify(server.requests.map(({ headers }) => headers))).not.toContain('p1');
  });

  it('reads the key from a file, and again when it is refused', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mooring-key-')), 'key');
    writeFileSync(file, 'old-key-1\n');
    const { model } = start({ key: { file } });
    writeFileSync(file, 'new-key-2\n');
    server.script = ({ headers }, response) =>
      headers.authorization === 'Bearer new-key-2' ? { text: ['in'] } : fail(response, 401, 'no');
    expect((await streamText(model)).text).toBe('in');
    expect(server.requests).toHaveLength(2);
  });

  it('takes only the key of its own origin', async () => {
    const { model } = start({
      keys: { 'https://elsewhere.example': { environment: 'OTHER' } },
      environment: { OTHER: KEY },
    });
    await model.doGenerate({ prompt: PROMPT });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  it.each([400, 401, 403, 404, 422, 500, 503])(
    'shows no key that the endpoint echoes in an error %i',
    async (status) => {
      const forms = [KEY, `Bearer ${KEY}`, encodeURIComponent(KEY), btoa(KEY)];
      server.script = (_, response) =>
        fail(response, status, `bad key ${forms.join(' | ')} in ${JSON.stringify(KEY)}`);
      const { host, model } = start({ environment: { MOORING_MODEL_KEY: KEY } });
      for (const ask of [
        () => model.doGenerate({ prompt: PROMPT }),
        () => model.doStream({ prompt: PROMPT }),
      ]) {
        const error = await failureOf(ask());
        for (const shown of [
          inspect(error, { depth: 9 }),
          String(error),
          JSON.stringify(error),
          error.stack ?? '',
        ])
          for (const form of [...forms, KEY.slice(0, 12)]) expect(shown).not.toContain(form);
      }
      const everything = inspect([host, model], { depth: 12, showHidden: true });
      expect(everything).not.toContain(KEY);
      expect(JSON.stringify(model)).not.toContain(KEY);
    },
  );

  it('shows no key echoed in an error within the stream', async () => {
    server.script = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'a' } }] })}\n\n`);
      response.end(`data: ${JSON.stringify({ error: { message: `broken for ${KEY}` } })}\n\n`);
      return undefined;
    };
    const { text, errors, finish } = await streamText(
      start({ environment: { MOORING_MODEL_KEY: KEY } }).model,
    );
    expect([text, finish]).toEqual(['a', 'error']);
    expect(errors).toMatchObject([
      { code: 'BRG_MODEL_UNAVAILABLE', message: 'the language model failed: broken for (hidden)' },
    ]);
    expect(inspect(errors)).not.toContain(KEY);
  });
});
