/** A scheduler over a fake engine, with a clock of its own. */
import { expect } from 'vitest';
import { BridgeError } from '../../src/base/errors.ts';
import { EngineScheduler } from '../../src/inference/embedded/engine-scheduler.ts';
import type {
  Choice,
  ChoiceRequest,
  Generation,
  GenerationRequest,
} from '../../src/inference/embedded/generation.ts';
import { expectedTokens, FakeEngine, type FakeOptions } from './fake-engine.ts';

type Asked = Partial<GenerationRequest> & { prompt: string };

interface Answer {
  text: string;
  result?: Generation | Choice;
  error?: BridgeError;
  endedAt?: number;
}

/** A scheduler over a fake, whose clock goes on a millisecond a step and a hundredth a row. */
export function startScheduler(options: FakeOptions = {}) {
  let now = 0;
  let ended = 0;
  const engine = new FakeEngine({ ...options, onStep: (rows) => void (now += 1 + rows / 100) });
  const scheduler = new EngineScheduler(engine, { elapsedMs: () => now, random: () => 0.5 });
  const submit = (request: GenerationRequest | ChoiceRequest): Answer & { abort: () => void } => {
    const answer: Answer = { text: '' };
    const abort = scheduler.submit(request, {
      text: (delta) => void (answer.text += delta),
      done: (result) => void ((answer.result = result), (answer.endedAt = ++ended)),
      failed: (error) => void ((answer.error = error), (answer.endedAt = ++ended)),
    });
    return Object.assign(answer, { abort });
  };
  const ask = (request: Asked) => submit({ agent: 'a/1', maxTokens: 8, ...request });
  const choose = (prompt: string, choices: string[], agent = 'a/1') =>
    submit({ agent, prompt, options: choices });
  const steps = (count: number): void => {
    for (let step = 0; step < count && scheduler.hasWork; step++) scheduler.step();
  };
  const finish = (): void => {
    steps(100_000);
    expect(scheduler.hasWork).toBe(false);
    expect(scheduler.state.used).toBe(0);
  };
  return { engine, scheduler, ask, choose, steps, finish, wait: (ms: number) => void (now += ms) };
}

export const said = (prompt: string, max = 8, endsOneIn = 0): string =>
  Buffer.from(expectedTokens(Buffer.from(prompt), max, endsOneIn)).toString();
/** So many characters. */
export const prompt = (name: string, length: number): string =>
  name.repeat(Math.ceil(length / name.length)).slice(0, length);
export const codeOf = (code: () => unknown): unknown => {
  try {
    return code();
  } catch (error) {
    return error instanceof BridgeError ? [error.code, error.details] : error;
  }
};
