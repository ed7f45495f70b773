import { describe, expect, it } from 'vitest';
import type { EngineScheduler } from '../../../src/inference/embedded/engine-scheduler.ts';
import type { Choice, Generation } from '../../../src/inference/embedded/generation.ts';
import { codeOf, prompt, said, startScheduler as start } from '../../support/scheduled-engine.ts';

describe('the scheduler of the embedded engine', () => {
  it('answers what the model says, alone or with 40 others', () => {
    const { ask, finish, engine } = start({ blocks: 256 });
    const asked = Array.from({ length: 40 }, (_, index) =>
      ask({ agent: `a/${index}`, prompt: prompt(`p${index} `, 20 + index), maxTokens: 12 }),
    );
    finish();
    asked.forEach((answer, index) => expect(answer.text).toBe(said(prompt(`p${index} `, 20 + index), 12)));
    // One by one it would take 40 times 13 steps.
    expect(engine.steps).toBeLessThan(60);
  });

  it('reads what many prompts begin with once, even when they come at the same time', () => {
    const { ask, finish, engine } = start({ blocks: 256 });
    const shared = prompt('the definition of the device ', 160);
    const asked = Array.from({ length: 32 }, (_, index) =>
      ask({ agent: `a/${index}`, prompt: `${shared}device ${index}`, maxTokens: 1 }),
    );
    finish();
    asked.forEach((answer, index) => expect(answer.text).toBe(said(`${shared}device ${index}`, 1)));
    expect(engine.rows).toBeLessThan(160 + 32 * 12);
    const cached = asked.map(({ result }) => result?.usage.cachedTokens ?? 0);
    expect(cached.filter((count) => count >= 160)).toHaveLength(31);
  });

  it('goes on with the answer of the turn before, and copies a block it has to write on in', () => {
    const { ask, finish } = start();
    const first = prompt('question one. ', 40);
    const one = ask({ prompt: first, maxTokens: 20 });
    finish();
    const two = ask({ prompt: `${first}${one.text} and then?`, maxTokens: 20 });
    finish();
    expect(two.text).toBe(said(`${first}${said(first, 20)} and then?`, 20));
    // 59 tokens were read, 48 of them in whole blocks.
    expect(two.result?.usage.cachedTokens).toBe(48);
    const again = ask({ prompt: first, maxTokens: 20 });
    finish();
    // All but the last token, which tells what comes next: 32 in blocks, 7 in a copy.
    expect([again.text, again.result?.usage.cachedTokens]).toEqual([one.text, 39]);
  });

  it('lets an alarm pass a person, and a person a job', () => {
    const { ask, finish, steps } = start({ blocks: 12 });
    const busy = ask({ agent: 'a/busy', prompt: prompt('busy ', 150), maxTokens: 5, priority: 'alarm' });
    steps(1);
    const [job, person, alarm] = (['background', 'interactive', 'alarm'] as const).map((priority) =>
      ask({ agent: `a/${priority}`, prompt: prompt(priority, 150), priority, maxTokens: 1 }),
    );
    finish();
    expect([busy, alarm, person, job].map((answer) => answer?.endedAt)).toEqual([1, 2, 3, 4]);
  });

  it('serves a job in the end, however many people ask', () => {
    const { ask, steps, scheduler, wait } = start({ blocks: 12 });
    const job = ask({ agent: 'a/job', prompt: prompt('job ', 100), priority: 'background' });
    for (let index = 0; index < 4000 && job.endedAt === undefined; index++) {
      wait(5);
      if (scheduler.state.waiting < 3)
        ask({ agent: `a/${index}`, prompt: prompt(`p${index} `, 100), maxTokens: 4 });
      steps(1);
    }
    expect(job.text).toBe(said(prompt('job ', 100)));
  });

  it('gives the blocks of the youngest job to an alarm, and the job its answer afterwards', () => {
    const { ask, finish, steps, scheduler } = start({ blocks: 16 });
    const jobs = [1, 2].map((job) =>
      ask({ agent: `a/${job}`, prompt: prompt(`job ${job} `, 90), priority: 'background', maxTokens: 30 }),
    );
    steps(6);
    const alarm = ask({ agent: 'a/alarm', prompt: prompt('fire ', 120), priority: 'alarm', maxTokens: 4 });
    finish();
    expect(alarm.text).toBe(said(prompt('fire ', 120), 4));
    expect(alarm.endedAt).toBe(1);
    jobs.forEach((job, index) => expect(job.text).toBe(said(prompt(`job ${index + 1} `, 90), 30)));
    expect(counted(scheduler).enginePreempted).toBeGreaterThan(0);
  });

  it('lets an agent have one request at work', () => {
    const { ask, steps, scheduler, finish } = start();
    const asked = ['one', 'two', 'three'].map((text) => ask({ prompt: prompt(text, 30) }));
    steps(1);
    expect(scheduler.state).toMatchObject({ running: 1, waiting: 2 });
    finish();
    expect(asked.map(({ endedAt }) => endedAt)).toEqual([1, 2, 3]);
  });

  it('drops a waiting request for a newer one of the same name, not one at work', () => {
    const { ask, steps, finish } = start();
    const about = { replaces: 'telemetry', priority: 'background' } as const;
    const first = ask({ prompt: 'first', ...about });
    steps(1);
    const second = ask({ prompt: 'second', ...about });
    const other = ask({ prompt: 'of another', agent: 'a/2', ...about });
    const third = ask({ prompt: 'third', ...about });
    finish();
    expect([first.text, second.text, third.text]).toEqual([said('first'), '', said('third')]);
    expect([second.error?.code, other.error]).toEqual(['BRG_MODEL_REPLACED', undefined]);
  });

  it('gives up at the deadline and when told to, and frees what was held', () => {
    const { ask, steps, finish, scheduler, wait } = start();
    const late = ask({ agent: 'a/1', prompt: prompt('late ', 60), maxTokens: 300, deadlineMs: 50 });
    const left = ask({ agent: 'a/2', prompt: prompt('left ', 60), maxTokens: 300 });
    steps(10);
    left.abort();
    left.abort();
    wait(100);
    steps(1);
    expect([late.error?.code, left.error?.code]).toEqual(['BRG_MODEL_TIMEOUT', 'BRG_ABORTED']);
    expect(scheduler.state).toMatchObject({ used: 0, running: 0, waiting: 0 });
    finish();
  });

  it('refuses a prompt beyond the context with both counts, and more than can wait with a time', () => {
    const { ask, steps } = start({ contextTokens: 100 });
    expect(codeOf(() => ask({ prompt: prompt('x', 100) }))).toEqual([
      'BRG_MODEL_CONTEXT',
      { promptTokens: 100, answerTokens: 1, contextTokens: 100 },
    ]);
    const whole = ask({ prompt: prompt('x', 95), maxTokens: 50 });
    steps(1000);
    expect(whole.result).toMatchObject({ reason: 'length', usage: { outputTokens: 5 } });
    for (let index = 0; index < 100; index++) ask({ prompt: prompt('w', 90), agent: `a/${index}` });
    steps(1);
    expect(codeOf(() => ask({ prompt: 'late', agent: 'a/late', deadlineMs: 20 }))).toEqual([
      'BRG_MODEL_OVERLOADED',
      { by: 'engine', retryAfterMs: expect.any(Number) as number },
    ]);
  });

  it('holds an answer to a pattern and reads what is certain without choosing it', () => {
    const { ask, finish, engine } = start();
    const answer = ask({
      prompt: 'a rule',
      maxTokens: 200,
      pattern: {
        sequence: [
          '{"command":"',
          { oneOf: ['open', 'close', 'clear'] },
          '","value":',
          { repeat: { from: '0', to: '9' }, min: 1, max: 3 },
          '}',
        ],
      },
    });
    finish();
    expect(answer.text).toMatch(/^\{"command":"(open|close|clear)","value":\d{1,3}\}$/);
    expect(answer.result).toMatchObject({ text: answer.text, reason: 'stop' });
    const { forcedTokens, outputTokens } = (answer.result as Generation).usage;
    expect(forcedTokens).toBeGreaterThan(outputTokens * 0.6);
    expect(engine.steps).toBeLessThan(10);
  });

  it('answers a pattern with one text in it without a step', () => {
    const { ask, engine } = start();
    const answer = ask({ prompt: 'x', pattern: 'yes' });
    expect([answer.text, engine.steps, answer.result]).toMatchObject(['yes', 0, { logProbability: 0 }]);
  });

  it('ends before a stop text, also when it comes in pieces', () => {
    const { ask, finish } = start();
    const whole = said('stop me', 40);
    const stop = whole.slice(10, 14);
    const answer = ask({ prompt: 'stop me', maxTokens: 40, stop: [stop] });
    finish();
    expect(answer.text).toBe(whole.slice(0, whole.indexOf(stop)));
    expect(answer.result).toMatchObject({ reason: 'stop', text: answer.text });
  });

  it('scores options as if each had been read alone, in one step after the prompt', () => {
    const options = ['open the vent', 'close', 'do nothing at all', 'x'];
    const question = prompt('what now? ', 52);
    const together = start();
    const answer = together.choose(question, options);
    together.finish();
    const alone = options.map((option) => {
      const one = start();
      const single = one.choose(question, [option]);
      one.finish();
      return (single.result as Choice).logProbabilities[0];
    });
    const { logProbabilities, index } = answer.result as Choice;
    expect(logProbabilities).toEqual(alone);
    expect(logProbabilities[index]).toBe(Math.max(...logProbabilities));
    expect(together.engine.steps).toBeLessThanOrEqual(3);
  });

  it('writes an agent’s memory and reads it back; whatever does not fit is dropped', () => {
    const long = prompt('what was said before ', 200);
    const one = start();
    one.ask({ prompt: long });
    one.finish();
    const blob = one.scheduler.memory.save('a/1');
    if (blob === undefined) throw new Error('there is something to keep');
    const two = start();
    expect(two.scheduler.memory.restore('a/1', blob, Int32Array.from(Buffer.from(`${long} more`)))).toBe(
      true,
    );
    const answer = two.ask({ prompt: `${long} more` });
    two.finish();
    expect([answer.text, answer.result?.usage.cachedTokens]).toEqual([said(`${long} more`), 192]);
    const foreign = start({ fingerprint: 'another' });
    const tokens = Int32Array.from(Buffer.from(long));
    expect(foreign.scheduler.memory.restore('a/1', blob, tokens)).toBe(false);
    const cut = { ...blob, bytes: blob.bytes.subarray(1) };
    expect(start().scheduler.memory.restore('a/1', cut, tokens)).toBe(false);
    expect(
      start().scheduler.memory.restore('a/1', blob, Int32Array.from(Buffer.from(prompt('other ', 200)))),
    ).toBe(false);
  });

  it('keeps of an agent only what is its own', () => {
    const { ask, finish, scheduler } = start({ blocks: 128 });
    const shared = prompt('the definition ', 96);
    ask({ agent: 'a/1', prompt: `${shared}${prompt('one ', 96)}` });
    ask({ agent: 'a/2', prompt: `${shared}${prompt('two ', 96)}` });
    finish();
    const blob = scheduler.memory.save('a/2');
    expect([blob?.prefixTokens, blob?.tokens.length]).toEqual([96, 96]);
    expect(scheduler.memory.save('a/3')).toBeUndefined();
  });
});

function counted(scheduler: EngineScheduler): Record<string, number> {
  const totals: Record<string, number> = {};
  scheduler.counters.addTo(totals);
  return totals;
}
