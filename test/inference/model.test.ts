import { MockLanguageModelV3, MockLanguageModelV4 } from 'ai/test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BridgeError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { CircuitBreaker } from '../../src/inference/circuit-breaker.ts';
import { ModelHost, resolveModel } from '../../src/inference/index.ts';
import type { ModelSettings } from '../../src/inference/model-host.ts';

const CALLER = { agent: 'pump/p1' };

function resolve(spec: unknown, settings: ModelSettings = {}) {
  return resolveModel(spec, new ModelHost({ environment: {}, ...settings }), CALLER);
}

function refusal(spec: unknown, settings: ModelSettings = {}): BridgeError {
  try {
    resolve(spec, settings);
  } catch (error) {
    if (error instanceof BridgeError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('resolveModel', () => {
  it.each([undefined, null, 'rules'])('takes %s for the rules', (spec) => {
    expect(resolve(spec)).toMatchObject({
      specificationVersion: 'v4',
      provider: 'mooring',
      modelId: 'rules',
    });
  });

  it.each([
    ['openai-compatible:http://127.0.0.1:11434/v1#qwen3:8b', 'qwen3:8b'],
    ['openai-compatible:https://api.example.com/v1/#org/model#tag', 'org/model#tag'],
  ])('takes %s', (spec, modelId) => {
    expect(resolve(spec)).toMatchObject({ specificationVersion: 'v4', modelId });
  });

  it('takes a model object, and one of ours as it is', () => {
    const inner = new MockLanguageModelV4({ provider: 'acme', modelId: 'm1' });
    const model = resolve(inner);
    expect(model).toMatchObject({ specificationVersion: 'v4', provider: 'acme', modelId: 'm1' });
    expect(resolve(model)).toBe(model);
  });

  it('shares an endpoint between agents, and between objects of one name', () => {
    const host = new ModelHost({ environment: {} });
    for (let n = 0; n < 2 * limits.modelEndpointsMax; n++)
      resolveModel(new MockLanguageModelV4({ modelId: 'same' }), host, { agent: `pump/p${n}` });
  });

  it('refuses more endpoints than its limit', () => {
    const host = new ModelHost({ environment: {} });
    const take = (n: number) => resolveModel(`openai-compatible:http://127.0.0.1/v1#m${n}`, host, CALLER);
    for (let n = 0; n < limits.modelEndpointsMax; n++) take(n);
    expect(() => take(-1)).toThrow('more than');
  });

  it.each([
    '',
    'gpt-5',
    'Rules',
    'openai-compatible:',
    'openai-compatible:http://127.0.0.1/v1',
    'openai-compatible:http://127.0.0.1/v1#',
    'openai-compatible:ftp://127.0.0.1/v1#m',
    'openai-compatible:not a url#m',
    'openai-compatible:http://127.0.0.1/v1#a\nb',
    42,
    true,
    {},
    () => {},
    { specificationVersion: 'v4' },
    new MockLanguageModelV3(),
  ])('refuses %s and says what is allowed', (spec) => {
    const error = refusal(spec);
    expect(error.code).toBe('BRG_MODEL_SPEC');
    expect(error.message).toContain("allowed are 'rules', 'openai-compatible:<url>#<name>'");
  });

  it('does not repeat a password or a key somebody put into the address', () => {
    for (const spec of [
      'openai-compatible:http://u:secret@h/v1#m',
      'openai-compatible:http://h/v1?key=secret#m',
      'sk-secret',
    ]) {
      const error = refusal(spec);
      expect(error.code).toBe('BRG_MODEL_SPEC');
      expect(error.message).not.toContain('secret');
    }
  });

  it('refuses a key that cannot be used, without showing it', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'mooring-key-')), 'key');
    const spec = 'openai-compatible:http://127.0.0.1/v1#m';
    expect(refusal(spec, { key: { file } }).message).toBe(
      `the model key in ${file} cannot be used: it cannot be read (ENOENT)`,
    );
    for (const content of ['', 'secret one', 'secret\r\nx-evil: 1', 'sécret', 'secret'.repeat(10_000)]) {
      writeFileSync(file, content);
      const error = refusal(spec, { key: { file } });
      expect(error.code).toBe('BRG_MODEL_SPEC');
      expect(error.message).not.toMatch(/s[eé]cret/);
    }
  });
});

describe('the circuit breaker', () => {
  it('opens after failures in a row, tries one request, and waits twice as long after each that fails', () => {
    let nowMs = 0;
    const kinds: string[] = [];
    const breaker = new CircuitBreaker({ now: () => nowMs, after: () => () => {} }, (kind) =>
      kinds.push(kind),
    );
    const fail = (): void => breaker.enter().failed();
    for (let n = 1; n < limits.modelBreakerFailuresMax; n++) fail();
    breaker.enter().succeeded();
    for (let n = 0; n < limits.modelBreakerFailuresMax; n++) fail();
    expect(breaker.kind).toBe('open');
    expect(() => breaker.enter()).toThrow('left alone');
    nowMs += limits.modelBreakerOpenMs;
    const probe = breaker.enter();
    expect(() => breaker.enter()).toThrow('left alone');
    probe.failed();
    nowMs += limits.modelBreakerOpenMs;
    expect(() => breaker.check()).toThrow('left alone');
    nowMs += limits.modelBreakerOpenMs;
    breaker.enter().abandoned();
    nowMs += 2 * limits.modelBreakerOpenMs;
    breaker.enter().succeeded();
    expect(kinds).toEqual(['open', 'half-open', 'open', 'half-open', 'open', 'half-open', 'closed']);
  });

  it('does not let requests that began before it opened close it', () => {
    const breaker = new CircuitBreaker({ now: () => 0, after: () => () => {} });
    const early = breaker.enter();
    for (let n = 0; n < limits.modelBreakerFailuresMax; n++) breaker.enter().failed();
    early.succeeded();
    expect(breaker.kind).toBe('open');
  });
});
