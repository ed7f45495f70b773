import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Harness } from './harness.ts';

let agent: Harness;

beforeEach(() => {
  agent = new Harness();
  agent.wake();
  agent.handle('a');
  agent.handle('b');
});

const queue = (...args: Parameters<Harness['queue']['queue']>): string =>
  agent.turn(() => agent.queue.queue(...args));
const payloads = (): unknown[] => agent.calls.map(({ payload }) => payload);

describe('queue', () => {
  it('calls methods one after the other, in order, soon', async () => {
    let running = 0;
    agent.handle('a', async () => {
      expect(++running).toBe(1);
      await Promise.resolve();
      running--;
    });
    for (let n = 0; n < 50; n++) queue(n % 2 === 0 ? 'a' : 'b', n);
    await agent.settle();
    expect(payloads()).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect([agent.disk.size, agent.diskAlarmMs, agent.queue.isBusy()]).toEqual([0, null, false]);
  });

  it('passes the item and the number of the attempt', async () => {
    const id = queue('a', { x: 1 }, { retry: { maxAttempts: 2 } });
    const item = agent.queue.getQueue(id);
    expect(item).toEqual({
      id,
      payload: { x: 1 },
      callback: 'a',
      created_at: agent.nowMs,
      retry: { maxAttempts: 2 },
    });
    await agent.settle();
    expect(agent.calls[0]?.info).toEqual({ ...item, attempt: 1 });
    expect(agent.queue.getQueue(id)).toBeUndefined();
  });

  it('is flushed at boot', async () => {
    queue('a', 1);
    queue('a', 2);
    agent.crash();
    agent.wake();
    await agent.settle();
    expect(payloads()).toEqual([1, 2]);
  });

  it('wakes a sleeping agent after a crash by the alarm alone', async () => {
    queue('a', 1);
    agent.crash();
    await agent.advance(limits.jobWatchMs);
    expect(payloads()).toEqual([1]);
  });

  it('is not held up by an item that waits for its next attempt, which then comes first', async () => {
    agent.handle('a', (_, info) => {
      if (info['attempt'] === 1) throw new Error('later');
      queue('b', 3); // behind the second attempt
    });
    queue('a', 1);
    queue('b', 2);
    await agent.settle();
    expect(payloads()).toEqual([1, 2]);
    await agent.advance(100);
    expect(payloads()).toEqual([1, 2, 1, 3]);
  });

  it('moves what fails for good to the dead letters, from where it comes back to the end', async () => {
    agent.handle('a', () => {
      throw new Error('broken');
    });
    const id = queue('a', 1);
    await agent.advance(60_000);
    expect(agent.dead.list()).toMatchObject([
      { id, source: 'queue', reason: 'failed', attempts: 3, error: 'broken' },
    ]);
    agent.handle('a');
    agent.calls.length = 0;
    agent.turn(() => {
      agent.queue.queue('b', 2);
      agent.dead.retryDead();
      agent.queue.queue('b', 3);
    });
    await agent.settle();
    expect(payloads()).toEqual([2, 1, 3]);
    expect([agent.dead.list(), agent.disk.size]).toEqual([[], 0]);
  });

  it('makes an item whose method is gone a dead letter, and goes on', async () => {
    queue('a', 1);
    queue('b', 2);
    agent.handlers.delete('a');
    await agent.settle();
    expect(payloads()).toEqual([2]);
    expect(agent.dead.list()).toMatchObject([
      { reason: 'missing-handler', error: 'this.a is not a function' },
    ]);
    expect(agent.errors).toEqual([expect.objectContaining({ message: 'this.a is not a function' })]);
  });

  it('keeps what a synchronous method wrote together with its end', async () => {
    agent.handle('a', () => {
      agent.memory.setCell('mine', 1);
      agent.crash();
    });
    queue('a', 1);
    await agent.settle();
    expect([...agent.disk.keys()]).toEqual(['queue:job0']);
    agent.handle('a', () => agent.memory.setCell('mine', 2));
    agent.wake();
    await agent.settle();
    expect([...agent.disk]).toEqual([['mine', '2']]);
  });

  it('leaves out what was dequeued, also while it runs', async () => {
    const ids = [1, 2, 3, 4, 5].map((n) => queue(n === 3 ? 'b' : 'a', n));
    agent.turn(() => agent.queue.dequeue(ids[0] ?? ''));
    agent.turn(() => agent.queue.dequeueAllByCallback('b'));
    agent.handle('a', (payload) => {
      if (payload !== 2) return;
      agent.queue.dequeue(ids[1] ?? '');
      agent.queue.dequeue(ids[4] ?? '');
    });
    await agent.settle();
    expect(payloads()).toEqual([2, 4]);
    queue('a', 9);
    agent.turn(() => agent.queue.dequeueAll());
    await agent.settle();
    expect([payloads(), agent.disk.size, agent.diskAlarmMs]).toEqual([[2, 4], 0, null]);
  });

  it('finds items by a field of their payload, in order', () => {
    const [first, , third] = [{ d: 1 }, { d: 2 }, { d: 1 }, 'd', null].map((payload) => queue('a', payload));
    expect(agent.queue.getQueues('d', 1).map(({ id }) => id)).toEqual([first, third]);
    expect(agent.queue.getQueues('constructor', Object)).toEqual([]);
  });

  it('queues nothing in a turn that is taken back', async () => {
    const failing = (): never => {
      agent.queue.queue('a', 1);
      throw new Error('no');
    };
    expect(() => agent.turn(failing)).toThrow('no');
    await agent.settle();
    queue('b', 2);
    await agent.settle();
    expect([payloads(), agent.disk.size]).toEqual([[2], 0]);
  });

  it.each<[string, () => unknown]>([
    ['Callback must be a string', () => queue(null as unknown as string)],
    ['this.nope is not a function', () => queue('nope')],
    ['retry.maxAttempts must be an integer', () => queue('a', 1, { retry: { maxAttempts: 1.5 } })],
  ])('refuses with "%s"', (message, call) => {
    expect(call).toThrow(expect.objectContaining({ message }));
    expect(agent.disk.size).toBe(0);
  });

  it('runs 10,000 items in some seconds, one small row each', async () => {
    const start = performance.now();
    agent.turn(() => {
      for (let n = 0; n < 10_000; n++) agent.queue.queue('a', n);
    });
    expect(() => queue('a')).toThrow(expect.objectContaining({ code: 'BRG_JOBS_FULL' }));
    expect(agent.disk.size).toBe(10_000);
    agent.restart();
    await agent.settle();
    expect(agent.calls).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});
