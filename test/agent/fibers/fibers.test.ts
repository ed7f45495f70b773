import { beforeEach, describe, expect, it } from 'vitest';
import type { FiberContext, FiberInfo } from '../../../src/agent/fibers/index.ts';
import { limits } from '../../../src/base/limits.ts';
import { Harness } from './harness.ts';

let agent: Harness;
beforeEach(() => {
  agent = Harness.awake();
});

const coded = (code: string): unknown => expect.objectContaining({ code });
const statuses = (): string[] => agent.fibers.list().map(({ name, status }) => `${name} ${status}`);

/** A fiber in the middle of its work, until `go` is called. */
async function midway(name = 'work'): Promise<{ context: FiberContext; go: (value?: unknown) => void }> {
  const gate = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<FiberContext>();
  agent.turn(() => {
    void agent.fibers.run(name, (context) => {
      begun.resolve(context);
      return gate.promise;
    });
  });
  return { context: await begun.promise, go: gate.resolve };
}

describe('runFiber', () => {
  it('begins after its row was stored, holds the agent while it runs, and leaves nothing', async () => {
    const seen: unknown[] = [];
    const result = agent.turn(() => {
      const running = agent.fibers.run('work', async ({ snapshot, id }) => {
        seen.push([...agent.stored], snapshot, id);
        await Promise.resolve();
        return 42;
      });
      expect([seen, agent.fibers.isBusy()]).toEqual([[], true]);
      return running;
    });
    expect(await result).toBe(42);
    expect(seen).toEqual([['work running'], null, 'f0']);
    await agent.settle();
    expect([agent.disk.size, agent.diskAlarmMs, agent.fibers.isBusy()]).toEqual([0, null, false]);
  });

  it('rejects with what its function throws, and says it in the log; both kinds of functions', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    await expect(agent.turn(() => agent.fibers.run('work', fail))).rejects.toThrow('broken');
    const failLate = (): Promise<never> => Promise.resolve().then(fail);
    await expect(agent.turn(() => agent.fibers.run('work', failLate))).rejects.toThrow('broken');
    await agent.settle();
    expect([agent.disk.size, agent.warnings]).toEqual([0, ['fiber failed', 'fiber failed']]);
  });

  it('takes back what a function wrote synchronously before it threw', async () => {
    const fail = ({ stash }: FiberContext): never => {
      agent.memory.setCell('mine', 1);
      void stash('never');
      throw new Error('broken');
    };
    await expect(agent.turn(() => agent.fibers.run('work', fail))).rejects.toThrow('broken');
    await agent.settle();
    expect([...agent.disk]).toEqual([]);
  });

  it('never begins when the turn that started it threw', async () => {
    let result: Promise<unknown> = Promise.resolve();
    const turn = (): never => {
      result = agent.fibers.run('work', () => expect.unreachable());
      throw new Error('taken back');
    };
    expect(() => agent.turn(turn)).toThrow('taken back');
    await expect(result).rejects.toEqual(coded('BRG_ABORTED'));
    await agent.settle();
    expect([agent.disk.size, agent.diskAlarmMs, agent.fibers.isBusy()]).toEqual([0, null, false]);
  });

  it('runs within an asynchronous turn that waits for it, and is stored with that turn', async () => {
    agent.memory.isMidTurn = true;
    const result = agent.turn(() =>
      agent.fibers.run('work', async ({ stash }) => {
        await stash('one');
        await stash('two');
        return agent.disk.size;
      }),
    );
    expect(await result).toBe(0);
    agent.memory.isMidTurn = false;
    await agent.settle();
    expect([agent.disk.size, agent.diskAlarmMs]).toEqual([0, null]);
  });

  it.each([[''], ['x'.repeat(limits.fiberNameCharactersMax + 1)], [7 as unknown as string]])(
    'refuses a name that is none: %s',
    (name) => {
      expect(() => agent.turn(() => agent.fibers.run(name, () => {}))).toThrow(coded('BRG_FIBER'));
    },
  );

  it('refuses more than fibersPerAgentMax fibers that have not ended, waiting ones included', async () => {
    agent.turn(() => {
      void agent.fibers.run('waits', ({ wait }) => wait());
      for (let n = 1; n < limits.fibersPerAgentMax; n++)
        void agent.fibers.run('work', () => new Promise(() => {}));
    });
    await agent.settle();
    expect(() => agent.turn(() => agent.fibers.run('work', () => {}))).toThrow(coded('BRG_FIBERS_FULL'));
    const [{ id = '' } = {}] = agent.fibers.list({ status: 'waiting' });
    expect(agent.turn(() => agent.fibers.cancel(id))).toBe(true);
    await agent.turn(() => agent.fibers.run('work', () => {}));
  });
});

describe('stash', () => {
  it('is stored with all that its synchronous piece wrote, before it resolves', async () => {
    const { context, go } = await midway();
    agent.turn(() => {
      agent.memory.setCell('mine', 1);
      void context.stash({ step: 1 });
      expect(agent.disk.has('mine')).toBe(false);
    });
    const stored = context.stash({ step: 2 });
    expect(agent.disk.get('fiber:f0')).toContain('{"step":1}');
    agent.memory.commit();
    await stored;
    expect(agent.disk.get('fiber:f0')).toContain('{"step":2}');
    expect(context.snapshot).toBeNull();
    go();
  });

  it('refuses what is too large or no JSON value, and keeps what was there', async () => {
    const { context, go } = await midway();
    void context.stash('kept');
    expect(() => context.stash('x'.repeat(limits.fiberStashBytesMax))).toThrow(
      coded('BRG_PAYLOAD_TOO_LARGE'),
    );
    expect(() => context.stash(1n)).toThrow(coded('BRG_FIBER'));
    expect(agent.fibers.inspect('f0')?.snapshot).toBe('kept');
    go();
    await agent.settle();
    expect(() => context.stash('late')).toThrow(coded('BRG_FIBER'));
    expect(agent.disk.size).toBe(0);
  });
});

describe('wait and resumeFiber', () => {
  it('keeps a fiber without memory and goes on with its snapshot, also after a restart', async () => {
    await agent.turn(() => agent.fibers.run('work', ({ wait }) => wait({ cid: 'c1' })));
    await agent.settle();
    expect([agent.stored, agent.fibers.isBusy(), agent.diskAlarmMs]).toEqual([['work waiting'], false, null]);
    await agent.restart();
    const [waiting] = agent.fibers.list({ status: 'waiting', name: 'work' });
    expect(waiting).toMatchObject({ id: 'f0', snapshot: { cid: 'c1' } });
    const result = agent.turn(() => agent.fibers.resume('f0', ({ id, snapshot }) => ({ id, snapshot })));
    expect(await result).toEqual({ id: 'f0', snapshot: { cid: 'c1' } });
    await agent.settle();
    expect(agent.disk.size).toBe(0);
    expect(() => agent.turn(() => agent.fibers.resume('f0', () => {}))).toThrow(coded('BRG_FIBER'));
  });

  it('lets the next piece begin before the one that waits has returned', async () => {
    const { context, go } = await midway();
    agent.turn(() => context.wait('first'));
    const next = Promise.withResolvers<unknown>();
    const result = agent.turn(() => agent.fibers.resume(context.id, () => next.promise));
    go();
    await agent.settle();
    expect([agent.stored, statuses()]).toEqual([['work running'], ['work running']]);
    expect(() => context.stash('of the old piece')).toThrow(coded('BRG_FIBER'));
    next.resolve('done');
    expect(await result).toBe('done');
    await agent.settle();
    expect(agent.disk.size).toBe(0);
  });
});

describe('cancelFiber', () => {
  it('aborts the signal and forgets the fiber, which is busy until its function has ended', async () => {
    const { context, go } = await midway();
    expect(agent.turn(() => agent.fibers.cancel(context.id))).toBe(true);
    expect(context.signal.reason).toEqual(coded('BRG_ABORTED'));
    expect([agent.disk.size, agent.fibers.isBusy()]).toEqual([0, true]);
    expect(() => context.stash(1)).toThrow(coded('BRG_ABORTED'));
    expect(agent.turn(() => agent.fibers.cancel(context.id))).toBe(false);
    go();
    await agent.settle();
    expect(agent.fibers.isBusy()).toBe(false);
  });

  it('keeps one from beginning', async () => {
    const result = agent.turn(() => {
      const running = agent.fibers.run('work', () => expect.unreachable());
      expect(agent.fibers.cancel('f0')).toBe(true);
      return running;
    });
    await expect(result).rejects.toEqual(coded('BRG_ABORTED'));
  });

  it('ends as the process stops: the signal aborts, the row stays', async () => {
    const { context, go } = await midway();
    agent.fibers.stop();
    expect(context.signal.aborted).toBe(true);
    go();
    await agent.settle();
    expect(agent.stored).toEqual(['work running']);
  });
});

describe('managed fibers', () => {
  const start = (...args: Parameters<Harness['fibers']['startManaged']>): string =>
    agent.turn(() => agent.fibers.startManaged(...args));

  it('stay for inspection: completed and cancelled for a day, failed for a week, then they are gone', async () => {
    const gate = Promise.withResolvers<void>();
    start('good', ({ stash }) => void stash(3), { fiberId: 'g' });
    start('bad', () => Promise.reject(new Error('broken')), { fiberId: 'b' });
    start('gone', () => gate.promise, { fiberId: 'c' });
    await agent.settle();
    agent.turn(() => agent.fibers.cancel('c'));
    gate.resolve();
    await agent.settle();
    const at = agent.nowMs;
    expect(agent.fibers.inspect('g')).toEqual({
      id: 'g',
      name: 'good',
      status: 'completed',
      snapshot: 3,
      createdAtMs: at,
      endedAtMs: at,
    } satisfies FiberInfo);
    expect(agent.fibers.inspect('b')).toMatchObject({ status: 'failed', error: 'broken' });
    expect(agent.errors).toEqual([expect.objectContaining({ message: 'broken' })]);
    expect(statuses().sort()).toEqual(['bad failed', 'gone cancelled', 'good completed']);
    await agent.advance(limits.fiberCompletedKeepMs);
    expect(statuses()).toEqual(['bad failed']);
    await agent.advance(limits.fiberFailedKeepMs);
    await agent.restart();
    expect([statuses(), agent.disk.size]).toEqual([[], 0]);
  });

  it('are at most fibersEndedMax, the oldest go first', async () => {
    for (let n = 0; n <= limits.fibersEndedMax; n++) {
      start('work', () => {}, { fiberId: `n${n}` });
      await agent.settle();
      agent.nowMs++;
    }
    expect(agent.disk.size).toBe(limits.fibersEndedMax);
    expect(agent.fibers.inspect('n0')).toBeUndefined();
    expect(agent.fibers.inspect('n1')).toMatchObject({ status: 'completed' });
  });

  it('are started once for one key or id', async () => {
    let runs = 0;
    const work = (): number => ++runs;
    const id = start('work', work, { idempotencyKey: 'k' });
    expect(start('work', work, { idempotencyKey: 'k' })).toBe(id);
    await agent.settle();
    expect(start('work', work, { idempotencyKey: 'k' })).toBe(id);
    expect(start('work', work, { fiberId: id })).toBe(id);
    expect(() => start('work', work, { fiberId: id, idempotencyKey: 'other' })).toThrow(coded('BRG_FIBER'));
    await agent.settle();
    expect(runs).toBe(1);
    await agent.advance(limits.fiberCompletedKeepMs);
    expect(start('work', work, { idempotencyKey: 'k' })).not.toBe(id);
  });
});
