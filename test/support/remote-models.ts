/** Remote models against a scripted server: starts both for each test of the file, and closes them. */
import { afterEach, beforeEach, expect } from 'vitest';
import { BridgeError } from '../../src/base/errors.ts';
import { ModelHost, resolveModel } from '../../src/inference/index.ts';
import type { ModelSettings } from '../../src/inference/model-host.ts';
import { startModelServer, type ModelServer } from './model-server.ts';

export const PROMPT = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'hello' }] }];

export let server: ModelServer;
const hosts: ModelHost[] = [];

/** Call it once in a file. */
export function useModelServer(): void {
  beforeEach(async () => {
    server = await startModelServer(() => ({ text: ['one ', 'two'] }));
  });
  afterEach(async () => {
    for (const host of hosts.splice(0)) host.close();
    await server[Symbol.asyncDispose]();
  });
}

export function start(settings: ModelSettings = {}, agent = 'pump/p1', url = server.url) {
  const host = new ModelHost({ random: () => 0, environment: {}, ...settings });
  hosts.push(host);
  return { host, model: resolveModel(`openai-compatible:${url}#tiny`, host, { agent }) };
}

type Model = ReturnType<typeof start>['model'];

export async function streamText(model: Model, abortSignal?: AbortSignal) {
  const { stream } = await model.doStream({
    prompt: PROMPT,
    ...(abortSignal === undefined ? {} : { abortSignal }),
  });
  let text = '';
  const errors: unknown[] = [];
  let finish: string | undefined;
  for await (const part of stream) {
    if (part.type === 'text-delta') text += part.delta;
    if (part.type === 'error') errors.push(part.error);
    if (part.type === 'finish') finish = part.finishReason.unified;
  }
  return { text, errors, finish };
}

export async function failureOf(work: PromiseLike<unknown>): Promise<BridgeError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(BridgeError);
    return error as BridgeError; // asserted just before
  }
  throw new Error('it did not fail');
}

export function numbers(host: ModelHost): Record<string, number> {
  const totals: Record<string, number> = {};
  host.addTo(totals);
  return totals;
}
