import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { resolveModel } from '../../src/inference/index.ts';
import { MemoryTokenBudget } from '../../src/inference/token-budget.ts';
import { systemClock } from '../../src/base/clock.ts';
import { fail } from '../support/model-server.ts';
import { until } from '../support/until.ts';
import {
  failureOf,
  numbers,
  PROMPT,
  server,
  start,
  streamText,
  useModelServer,
} from '../support/remote-models.ts';

useModelServer();

describe('a remote model', () => {
  it.each([1, 2, 3, 64, 1000])(
    'reads a stream cut into pieces of %i bytes, within UTF-8 sequences too',
    async (chunkBytes) => {
      const pieces = [
        'Die Pumpe läuft \u{1F6B0} ',
        'mit 21,5 °C',
        ' 水温 \u{1F469}‍\u{1F52C} "quoted"\n\ndata: no',
      ];
      server.script = () => ({ text: pieces, chunkBytes });
      const { text, finish } = await streamText(start().model);
      expect(text).toBe(pieces.join(''));
      expect(finish).toBe('stop');
    },
  );

  it.each([
    [400, 'BRG_MODEL_REQUEST', 1],
    [401, 'BRG_MODEL_REFUSED', 1],
    [403, 'BRG_MODEL_REFUSED', 1],
    [404, 'BRG_MODEL_REQUEST', 1],
    [302, 'BRG_MODEL_SPEC', 1],
    [429, 'BRG_MODEL_OVERLOADED', 3],
    [500, 'BRG_MODEL_UNAVAILABLE', 3],
    [503, 'BRG_MODEL_OVERLOADED', 3],
    [504, 'BRG_MODEL_TIMEOUT', 3],
  ])('HTTP %i is %s after %i tries', async (status, code, tries) => {
    server.script = (_, response) => fail(response, status, 'scripted', { location: 'http://127.0.0.1:1/' });
    const { host, model } = start();
    expect(await failureOf(model.doStream({ prompt: PROMPT }))).toMatchObject({ code, details: { status } });
    expect(server.requests).toHaveLength(tries);
    expect(numbers(host)).toMatchObject({
      [`modelErrors_${code}`]: 1,
      modelRetries: tries - 1,
      modelInFlight: 0,
    });
  });

  it('does not try again when the quota is used up', async () => {
    server.script = (_, response) => fail(response, 429, 'insufficient_quota: check your billing');
    expect(await failureOf(start().model.doGenerate({ prompt: PROMPT }))).toMatchObject({
      code: 'BRG_MODEL_OVERLOADED',
    });
    expect(server.requests).toHaveLength(1);
  });

  it('tries again until it works, after what Retry-After asks for', async () => {
    const waits: number[] = [];
    const clock = {
      now: () => systemClock.now(),
      after: (ms: number, then: () => void) => {
        waits.push(ms);
        return systemClock.after(ms === 7000 ? 0 : ms, then);
      },
    };
    let count = 0;
    server.script = (_, response) =>
      ++count < 3 ? fail(response, 429, 'slow down', { 'retry-after': '7' }) : { text: ['ok'] };
    expect((await streamText(start({ clock }).model)).text).toBe('ok');
    expect(waits.filter((ms) => ms === 7000)).toHaveLength(2);
  });

  it('gives up at once when Retry-After is longer than anybody waits, and says how long', async () => {
    server.script = (_, response) => fail(response, 503, 'maintenance', { 'retry-after': '3600' });
    const error = await failureOf(start().model.doGenerate({ prompt: PROMPT }));
    expect(error).toMatchObject({ code: 'BRG_MODEL_OVERLOADED', details: { retryAfterMs: 3_600_000 } });
    expect(server.requests).toHaveLength(1);
  });

  it('tries again when the connection is cut before the first piece, not after it', async () => {
    server.script = () => ({ text: ['one ', 'two'], cutAfter: server.requests.length === 1 ? 0 : 99 });
    expect((await streamText(start().model)).text).toBe('one two');
    expect(server.requests).toHaveLength(2);
    server.script = () => ({ text: ['one ', 'two'], cutAfter: 1 });
    const { text, errors, finish } = await streamText(start().model);
    expect([text, finish]).toEqual(['one ', 'error']);
    expect(errors).toMatchObject([{ code: 'BRG_MODEL_UNAVAILABLE' }]);
    expect(server.requests).toHaveLength(3);
  });

  it('says so when an endpoint answers something else than a model does', async () => {
    server.script = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<html>hello</html>');
      return undefined;
    };
    expect(await failureOf(start().model.doGenerate({ prompt: PROMPT }))).toMatchObject({
      code: 'BRG_MODEL_ANSWER',
    });
  });

  it('ends an answer without end at its limit of bytes', async () => {
    server.script = async ({ gone }, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const block = Buffer.alloc(1024 * 1024, 'x');
      for (let n = 0; n < 20 && !response.destroyed; n++) {
        await Promise.race([new Promise((resume) => response.write(block, resume)), gone]);
      }
      response.destroy();
      return undefined;
    };
    expect(await failureOf(start().model.doStream({ prompt: PROMPT }))).toMatchObject({
      code: 'BRG_MODEL_ANSWER',
    });
  });

  it('cannot be reached: says so after its tries, then leaves the endpoint alone, then tries it once', async () => {
    let nowMs = systemClock.now();
    const clock = { now: () => nowMs, after: systemClock.after };
    const { host, model } = start({ clock });
    server.script = (_, response) => fail(response, 500, 'down');
    for (let n = 0; n < 2; n++) await failureOf(model.doGenerate({ prompt: PROMPT }));
    expect(server.requests).toHaveLength(limits.modelBreakerFailuresMax);
    expect(numbers(host)['modelBreakersOpen']).toBe(1);
    const refused = await failureOf(model.doGenerate({ prompt: PROMPT }));
    expect(refused).toMatchObject({ code: 'BRG_MODEL_UNAVAILABLE', details: { by: 'circuit-breaker' } });
    expect(server.requests).toHaveLength(limits.modelBreakerFailuresMax);
    nowMs += limits.modelBreakerOpenMs;
    server.script = () => ({ text: ['back'] });
    expect((await streamText(model)).text).toBe('back');
    expect(numbers(host)['modelBreakersOpen']).toBe(0);
  });

  it('a port where nobody listens is BRG_MODEL_UNAVAILABLE', async () => {
    const { model } = start({}, 'pump/p1', 'http://127.0.0.1:1/v1');
    const error = await failureOf(model.doStream({ prompt: PROMPT }));
    expect(error).toMatchObject({
      code: 'BRG_MODEL_UNAVAILABLE',
      message: 'the model endpoint cannot be reached: ECONNREFUSED',
    });
  });

  it('limits the time to a connection: here a TLS handshake that never ends', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo; // TCP
    const { model } = start({ timeouts: { connectMs: 50 } }, 'pump/p1', `https://127.0.0.1:${port}/v1`);
    const error = await failureOf(model.doStream({ prompt: PROMPT }));
    expect(error).toMatchObject({ code: 'BRG_MODEL_UNAVAILABLE', details: { timeoutMs: 50 } });
    silent.close();
  });

  it.each([
    ['firstTokenMs', 0, 'no first piece of an answer'],
    ['idleMs', 1, 'no further piece of its answer'],
    ['totalMs', 1, 'no complete answer'],
  ])('limits %s', async (name, held, what) => {
    server.script = () => ({
      text: ['a', 'b'],
      gate: (piece) => (piece === held ? new Promise(() => {}) : undefined),
    });
    const { host, model } = start({ timeouts: { [name]: 100 } });
    const error =
      held === 0 ? await failureOf(model.doStream({ prompt: PROMPT })) : (await streamText(model)).errors[0];
    expect(error).toMatchObject({
      code: 'BRG_MODEL_TIMEOUT',
      message: expect.stringContaining(what) as string,
    });
    await server.requests[0]?.gone;
    expect(server.requests).toHaveLength(1);
    expect(numbers(host)).toMatchObject({ modelInFlight: 0, modelErrors_BRG_MODEL_TIMEOUT: 1 });
  });

  it('closes the connection when the caller aborts, or leaves the stream, in the middle', async () => {
    server.script = () => ({
      text: ['a', 'b'],
      gate: (piece) => (piece === 1 ? new Promise(() => {}) : undefined),
    });
    const { host, model } = start();
    const controller = new AbortController();
    const reading = streamText(model, controller.signal);
    await until(() => numbers(host)['modelInFlight'] === 1 && numbers(host)['modelFirstTokenLeInf'] === 1);
    controller.abort(new DOMException('enough', 'AbortError'));
    await expect(reading).rejects.toThrow('enough');
    await server.requests[0]?.gone;
    const { stream } = await model.doStream({ prompt: PROMPT });
    for await (const part of stream) if (part.type === 'text-delta') break;
    await server.requests[1]?.gone;
    expect(numbers(host)).toMatchObject({ modelInFlight: 0, modelAborts: 2, modelRequests: 2 });
  });

  it('counts what the endpoint reports, and estimates what it does not', async () => {
    server.script = () => ({ text: ['12345678'], usage: { in: 100, out: 20, cached: 80 } });
    const { host, model } = start();
    await streamText(model);
    expect(numbers(host)).toMatchObject({
      modelTokensIn: 100,
      modelTokensOut: 20,
      modelTokensCached: 80,
      modelDurationLeInf: 1,
    });
    expect(host.budget.usedToday('pump/p1')).toBe(120);
    server.script = () => ({ text: ['12345678'], usage: null });
    await streamText(model);
    expect(host.budget.usedToday('pump/p1')).toBe(120 + Math.ceil(5 / 4) + 2);
  });

  it('refuses what goes over the day of its agent, and holds the output to what is left', async () => {
    let nowMs = Date.UTC(2026, 0, 1, 23, 59, 59);
    const clock = { now: () => nowMs, after: systemClock.after };
    const { host, model } = start({ clock, tokensPerDay: 100 });
    server.script = () => ({ text: ['x'], usage: { in: 60, out: 39 } });
    await model.doGenerate({ prompt: PROMPT });
    expect(server.requests[0]?.body.max_tokens).toBe(98);
    expect(await failureOf(model.doGenerate({ prompt: PROMPT }))).toMatchObject({
      code: 'BRG_MODEL_BUDGET',
      details: { retryAfterMs: 1000, leftTokens: 1 },
    });
    expect(server.requests).toHaveLength(1);
    const other = resolveModel(`openai-compatible:${server.url}#tiny`, host, { agent: 'pump/p2' });
    await other.doGenerate({ prompt: PROMPT });
    nowMs += 1000;
    await model.doGenerate({ prompt: PROMPT });
    expect(server.requests).toHaveLength(3);
  });

  it('gives back what was held for a request that failed', async () => {
    server.script = (_, response) => fail(response, 400, 'no');
    const budget = new MemoryTokenBudget(systemClock, 100);
    const { model } = start({ budget });
    await failureOf(model.doGenerate({ prompt: PROMPT }));
    expect(budget.usedToday('pump/p1')).toBe(0);
  });
});

describe('models under a crowd', () => {
  it('leave nothing behind, however 300 requests end: no slot, no wait, no hold on a budget, no connection', async () => {
    let count = 0;
    const open = new Set<object>();
    server.script = (request, response) => {
      open.add(request);
      void request.gone.then(() => open.delete(request));
      count++;
      if (count % 7 === 0) return fail(response, 400, 'no');
      if (count % 11 === 0) return void response.destroy();
      return {
        text: ['a ', 'b ', 'c '],
        usage: { in: 1, out: 1 },
        ...(count % 5 === 0 ? { cutAfter: 1 } : {}),
        gate: () => new Promise((resume) => setImmediate(resume)),
      };
    };
    const { host } = start();
    const ask = async (n: number): Promise<void> => {
      const model = resolveModel(`openai-compatible:${server.url}#tiny`, host, {
        agent: `pump/p${n % 13}`,
        priority: n % 3 === 0 ? 'background' : 'interactive',
      });
      const controller = new AbortController();
      if (n % 4 === 0) setTimeout(() => controller.abort(), n % 40);
      const options = { prompt: PROMPT, abortSignal: controller.signal };
      if (n % 2 === 0) return void (await model.doGenerate(options));
      const { stream } = await model.doStream(options);
      for await (const part of stream) if (part.type === 'text-delta' && n % 9 === 0) break;
    };
    const ends = await Promise.allSettled(Array.from({ length: 300 }, (_, n) => ask(n)));
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(10);
    expect(ends.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(10);
    expect(numbers(host)).toMatchObject({ modelInFlight: 0, modelQueueDepth: 0, modelRequests: 300 });
    await until(() => open.size === 0);
    const totals = numbers(host);
    const failed = Object.entries(totals).reduce(
      (sum, [name, n]) => sum + (name.startsWith('modelErrors_') ? n : 0),
      0,
    );
    expect((totals['modelDurationLeInf'] ?? 0) + (totals['modelAborts'] ?? 0) + failed).toBe(300);
    // What was held is settled: nobody holds the thousands that a running request does.
    for (let n = 0; n < 13; n++)
      expect(host.budget.usedToday(`pump/p${n}`)).toBeLessThan(limits.modelTokensReserved);
  });
});
