import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { FairQueue, type ModelPriority, type Slot } from '../../src/inference/scheduler.ts';

/** A queue whose grants are seen in order, each released when the test says so. */
function start(own: ConstructorParameters<typeof FairQueue>[1] = {}, clock: Clock = systemClock) {
  const queue = new FairQueue(clock, { concurrent: 1, concurrentPerAgent: 1, ...own });
  const order: string[] = [];
  const held: Slot[] = [];
  const ask = (agent: string, priority: ModelPriority = 'interactive', signal?: AbortSignal): Promise<void> =>
    queue.acquire({ agent, priority, signal }).then((slot) => {
      order.push(agent);
      held.push(slot);
    });
  /** Serves everything that waits, one after the other. */
  const serve = async (): Promise<void> => {
    await settled();
    for (let slot = held.shift(); slot !== undefined; slot = held.shift()) {
      slot.release();
      await settled();
    }
  };
  return { queue, order, held, ask, serve };
}

/** Promise reactions have run. */
const settled = (): Promise<void> => new Promise((resume) => setImmediate(resume));

describe('the queue in front of an endpoint', () => {
  it('lets as many out as the limits say, over all and of one agent', async () => {
    const { queue, held, ask } = start({ concurrent: 3, concurrentPerAgent: 2 });
    const asked = ['a', 'a', 'a', 'b', 'b'].map((agent) => ask(agent));
    await settled();
    expect([queue.inFlight, queue.depth]).toEqual([3, 2]);
    held.shift()?.release();
    await settled();
    expect([queue.inFlight, queue.depth]).toEqual([3, 1]);
    for (let n = 0; n < 4; n++) {
      held.shift()?.release();
      await settled();
    }
    await Promise.all(asked);
    expect([queue.inFlight, queue.depth]).toEqual([0, 0]);
  });

  it('delays an agent by one request of another, not by its thousand', async () => {
    const { order, ask, serve } = start();
    const asked = Array.from({ length: 1000 }, () => ask('greedy'));
    asked.push(ask('late'), ask('later'), ask('late'));
    await serve();
    await Promise.all(asked);
    expect(order.indexOf('late')).toBeLessThanOrEqual(2);
    expect(order.indexOf('later')).toBeLessThanOrEqual(3);
    expect(order.lastIndexOf('late')).toBeLessThanOrEqual(6);
  });

  it('gives each of many agents its turn before any has a second one', async () => {
    const { order, ask, serve } = start();
    const agents = Array.from({ length: 50 }, (_, index) => `a${index}`);
    const first = ask('first');
    const asked = agents.flatMap((agent) => [ask(agent), ask(agent), ask(agent)]);
    await serve();
    await Promise.all([first, ...asked]);
    expect(new Set(order.slice(1, 51)).size).toBe(50);
    expect(new Set(order.slice(51, 101)).size).toBe(50);
  });

  it('serves interactive requests first, but background ones are not starved', async () => {
    const { order, ask, serve } = start();
    const asked = [ask('now'), ask('job', 'background'), ask('job', 'background')];
    for (let n = 0; n < 40; n++) asked.push(ask(`chat${n}`));
    await serve();
    await Promise.all(asked);
    const jobs = order.flatMap((agent, index) => (agent === 'job' ? [index] : []));
    expect(jobs[0]).toBe(limits.modelInteractiveRunMax + 1);
    expect(jobs[1]).toBe(2 * (limits.modelInteractiveRunMax + 1));
  });

  it('refuses when full, over all and for one agent', async () => {
    const { ask } = start({ queued: 3, queuedPerAgent: 2 });
    await ask('a');
    void ask('a');
    void ask('a');
    await expect(ask('a')).rejects.toMatchObject({
      code: 'BRG_MODEL_OVERLOADED',
      message: expect.stringContaining('this agent') as string,
    });
    void ask('b');
    await expect(ask('c')).rejects.toMatchObject({ code: 'BRG_MODEL_OVERLOADED', details: { by: 'queue' } });
  });

  it('ends a wait at its limit, and by its signal, and forgets it', async () => {
    const { queue, order, ask, serve } = start({ waitMs: { interactive: 20, background: 60_000 } });
    await ask('a');
    await expect(ask('b')).rejects.toMatchObject({
      code: 'BRG_MODEL_OVERLOADED',
      message: 'no turn at the language model within 20 ms',
    });
    const controller = new AbortController();
    const waiting = ask('c', 'background', controller.signal);
    const reason = new Error('gone');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(queue.depth).toBe(0);
    await serve();
    expect(order).toEqual(['a']);
  });

  it('counts a slot once however often it is released', async () => {
    const { queue, held, ask } = start();
    await ask('a');
    const [slot] = held;
    slot?.release();
    slot?.release();
    expect(queue.inFlight).toBe(0);
  });
});
