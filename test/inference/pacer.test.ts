import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { Pacer, type PacedAnswer } from '../../src/inference/pacer.ts';
import { PROMPT, server, start, streamText, useModelServer } from '../support/remote-models.ts';
import { until } from '../support/until.ts';

/** An answer whose piece takes longer than a round may, by promises as the AI SDK reads one. */
function slowAnswer(handedOn: () => void): PacedAnswer {
  return {
    isBehind: false,
    handOn: () => {
      handedOn();
      void Promise.resolve().then(() => {
        for (const endMs = performance.now() + limits.modelPaceBudgetMs; performance.now() < endMs;);
      });
    },
  };
}

/** Counts rounds of the event loop until it is stopped. */
function countRounds(): { readonly count: () => number; stop(): void } {
  let rounds = 0;
  let isStopped = false;
  const next = (): void => {
    rounds++;
    if (!isStopped) setImmediate(next);
  };
  setImmediate(next);
  return { count: () => rounds, stop: () => void (isStopped = true) };
}

describe('pieces of many answers', () => {
  it('leave the event loop to others after each 2 ms of work', async () => {
    const pacer = new Pacer(systemClock);
    const rounds = countRounds();
    const at: number[] = [];
    for (let n = 0; n < 20; n++) {
      const answer = slowAnswer(() => at.push(rounds.count()));
      pacer.join(answer);
      pacer.wait(answer);
    }
    await until(() => at.length === 20);
    rounds.stop();
    expect(new Set(at).size).toBe(20);
  });

  it('are handed on in the order they came', async () => {
    const pacer = new Pacer(systemClock);
    const order: number[] = [];
    const answers = [0, 1, 2].map((n) => slowAnswer(() => order.push(n)));
    for (const answer of answers) pacer.join(answer);
    for (const answer of answers) pacer.wait(answer);
    await until(() => order.length === 3);
    expect(order).toEqual([0, 1, 2]);
  });
});

describe('an answer of an endpoint', () => {
  useModelServer();

  const words = Array.from({ length: 30 }, (_, n) => `word${n} `);
  const inTurn = { text: words, gate: () => new Promise<void>((resume) => setTimeout(resume, 2)) };

  async function deltas(among: number): Promise<string[]> {
    const { host, model } = start();
    for (let n = 1; n < among; n++) host.pacer.join(slowAnswer(() => undefined));
    const { stream } = await model.doStream({ prompt: PROMPT });
    const said: string[] = [];
    for await (const part of stream) if (part.type === 'text-delta') said.push(part.delta);
    return said;
  }

  it('that comes alone comes word by word', async () => {
    server.script = () => inTurn;
    const said = await deltas(1);
    expect(said.join('')).toBe(words.join(''));
    expect(said.length).toBeGreaterThan(20);
  });

  it('that comes with 49 others comes in fewer pieces, its first word by itself', async () => {
    server.script = () => inTurn;
    const said = await deltas(50);
    expect(said.join('')).toBe(words.join(''));
    expect(said[0]).toBe('word0 ');
    expect(said.length).toBeLessThan(12);
  });

  it('that nobody reads makes the endpoint wait', async () => {
    const megabyte = 'x'.repeat(1024 * 1024);
    const text = Array.from({ length: 15 }, () => megabyte);
    let response: { readonly writableLength: number } | undefined;
    server.script = (_, answer) => {
      response = answer;
      return { text };
    };
    const { model } = start();
    const { stream } = await model.doStream({ prompt: PROMPT });
    const reader = stream.getReader();
    await reader.read();
    // It stands still, with something left: the endpoint's socket takes no more.
    let left = -1;
    let rounds = 0;
    await until(() => {
      rounds = response?.writableLength === left ? rounds + 1 : 0;
      left = response?.writableLength ?? -1;
      return rounds === 10;
    });
    expect(left).toBeGreaterThan(0);
    await reader.cancel();
    await until(() => (response as { destroyed?: boolean } | undefined)?.destroyed === true);
  });

  it('of some MiB at once is complete', async () => {
    const text = Array.from({ length: 64 }, (_, n) => String(n % 10).repeat(32 * 1024));
    server.script = () => ({ text });
    const said = await streamText(start().model);
    expect(said.text).toBe(text.join(''));
    expect(said.finish).toBe('stop');
  });
});
