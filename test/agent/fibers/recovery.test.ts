import { beforeEach, describe, expect, it } from 'vitest';
import type { FiberContext, RecoveredFiber } from '../../../src/agent/fibers/index.ts';
import { limits } from '../../../src/base/limits.ts';
import { Harness } from './harness.ts';

let agent: Harness;
let hooks: RecoveredFiber[];

beforeEach(() => {
  agent = Harness.awake();
  hooks = [];
  agent.recovered = (fiber) => void hooks.push(fiber);
});

const forever = (): Promise<never> => new Promise(() => {});

/** A fiber that stashed `snapshot` and goes on for ever. */
async function interrupted(snapshot?: unknown): Promise<void> {
  agent.turn(() => {
    void agent.fibers.run('work', ({ stash }) => {
      if (snapshot !== undefined) void stash(snapshot);
      return forever();
    });
  });
  await agent.settle();
}

describe('after a crash', () => {
  it('the hook gets what was stashed, once, and the row goes when it returns', async () => {
    await interrupted({ step: 2 });
    const createdAtMs = agent.nowMs;
    agent.nowMs += 1000;
    await agent.restart();
    expect(hooks).toEqual([{ id: 'f0', name: 'work', snapshot: { step: 2 }, createdAtMs, attempt: 1 }]);
    expect([agent.disk.size, agent.fibers.isBusy(), agent.diskAlarmMs]).toEqual([0, false, null]);
    await agent.restart();
    expect(hooks).toHaveLength(1);
  });

  it('the alarm wakes the agent within jobWatchMs, however long the fiber ran before', async () => {
    await interrupted();
    await agent.advance(10 * limits.jobWatchMs);
    expect(agent.diskAlarmMs).toBeGreaterThan(agent.nowMs);
    expect(agent.diskAlarmMs).toBeLessThanOrEqual(agent.nowMs + limits.jobWatchMs);
  });

  it('a hook that starts the fiber again goes on with it: same id, same snapshot, one row', async () => {
    await interrupted('half');
    const seen: unknown[] = [];
    agent.recovered = async ({ name }) => {
      await agent.fibers.run(name, ({ id, snapshot }: FiberContext) => {
        seen.push(id, snapshot, agent.stored);
        return 'done';
      });
      await forever(); // what the hook does then does not matter to the fiber
    };
    await agent.restart();
    expect(seen).toEqual(['f0', 'half', ['work running']]);
    expect(agent.disk.size).toBe(0);
  });

  it('a fiber of another name is another one', async () => {
    await interrupted('half');
    const seen: unknown[] = [];
    agent.recovered = () => void agent.fibers.run('other', ({ id, snapshot }) => seen.push(id, snapshot));
    await agent.restart();
    expect(seen).toEqual(['f1', null]);
    expect(agent.disk.size).toBe(0);
  });

  it('a managed fiber that its hook did not start again stays as interrupted', async () => {
    agent.turn(() => agent.fibers.startManaged('work', forever, { idempotencyKey: 'k' }));
    await agent.settle();
    await agent.restart();
    expect(agent.fibers.inspect('f0')).toMatchObject({ status: 'interrupted' });
  });

  it('a managed one is gone on with under its key', async () => {
    agent.turn(() => agent.fibers.startManaged('work', forever, { idempotencyKey: 'k' }));
    await agent.settle();
    agent.recovered = ({ name }) =>
      void expect(agent.fibers.startManaged(name, () => 1, { idempotencyKey: 'k' })).toBe('f0');
    await agent.restart();
    expect(agent.fibers.inspect('f0')).toMatchObject({ status: 'completed' });
  });

  it('a class without the hook has a dead letter, which goes to the hook when there is one', async () => {
    await interrupted('kept');
    agent.recovered = undefined;
    await agent.restart();
    expect(agent.dead.list()).toMatchObject([
      { source: 'fiber', reason: 'missing-handler', payload: 'kept' },
    ]);
    expect([agent.stored, agent.fibers.isBusy(), agent.errors.length]).toEqual([[], false, 1]);
    agent.recovered = (fiber) => void hooks.push(fiber);
    expect(agent.turn(() => agent.dead.retryDead())).toBe(1);
    await agent.settle();
    expect(hooks).toMatchObject([{ snapshot: 'kept' }]);
  });

  it('a cancelled one is not recovered', async () => {
    await interrupted();
    agent.recovered = (fiber) => {
      hooks.push(fiber);
      return Promise.reject(new Error('later'));
    };
    await agent.restart();
    expect(agent.turn(() => agent.fibers.cancel('f0'))).toBe(true);
    await agent.advance(limits.fiberRecoveryGiveUpMs);
    expect([hooks.length, agent.disk.size]).toEqual([1, 0]);
  });
});

describe('a hook that throws', () => {
  it('is called again after 1, 2, 4 ... seconds, at most 5 minutes, for a day; then it is a dead letter', async () => {
    await interrupted('kept');
    const times: number[] = [];
    const start = agent.nowMs;
    agent.recovered = (fiber) => {
      hooks.push(fiber);
      times.push((agent.nowMs - start) / 1000);
      throw new Error('cannot');
    };
    await agent.restart();
    await agent.advance(limits.fiberRecoveryGiveUpMs + limits.fiberRecoveryMaxMs);
    expect(times.slice(0, 5)).toEqual([0, 1, 3, 7, 15]);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(Math.max(...gaps)).toBe(300);
    expect(times.at(-1)).toBeGreaterThanOrEqual(86_400);
    expect(hooks.map(({ attempt }) => attempt)).toEqual(hooks.map((_, at) => at + 1));
    const dead = {
      id: 'f0',
      source: 'fiber',
      callback: 'work',
      payload: 'kept',
      reason: 'failed',
      error: 'cannot',
    };
    expect(agent.dead.list()).toMatchObject([dead]);
    expect([agent.stored, agent.errors.length, agent.diskAlarmMs]).toEqual([[], 1, null]);

    agent.recovered = (fiber) => void hooks.push(fiber);
    expect(agent.turn(() => agent.dead.retryDead('f0'))).toBe(1);
    await agent.settle();
    expect(hooks.at(-1)).toMatchObject({ id: 'f0', snapshot: 'kept', attempt: 1 });
    expect(agent.disk.size).toBe(0);
  });

  it('keeps its place over restarts', async () => {
    await interrupted();
    agent.recovered = (fiber) => {
      hooks.push(fiber);
      throw new Error('cannot');
    };
    await agent.restart();
    await agent.restart();
    expect(hooks).toHaveLength(1);
    await agent.advance(limits.fiberRecoveryBaseMs);
    expect(hooks.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  it('after it has started the fiber again is only reported', async () => {
    await interrupted();
    const gate = Promise.withResolvers<void>();
    agent.recovered = async ({ name }) => {
      void agent.fibers.run(name, () => gate.promise);
      await Promise.resolve();
      throw new Error('afterwards');
    };
    await agent.restart();
    expect(agent.stored).toEqual(['work running']);
    expect(agent.errors).toEqual([expect.objectContaining({ message: 'afterwards' })]);
    gate.resolve();
    await agent.settle();
    expect(agent.disk.size).toBe(0);
  });

  it('synchronously after that has not started it', async () => {
    await interrupted('kept');
    agent.recovered = (fiber) => {
      hooks.push(fiber);
      if (fiber.attempt > 1) return;
      void agent.fibers.run(fiber.name, () => expect.unreachable());
      throw new Error('no');
    };
    await agent.restart();
    expect(agent.stored).toEqual(['work interrupted']);
    await agent.advance(limits.fiberRecoveryBaseMs);
    expect(hooks.map(({ snapshot }) => snapshot)).toEqual(['kept', 'kept']);
    expect([agent.disk.size, agent.fibers.isBusy()]).toEqual([0, false]);
  });
});

describe('a fiber that ends the process', () => {
  it('is set aside after fiberInterruptionsMax times in a row, each later than the one before', async () => {
    agent.recovered = ({ name, ...fiber }) => {
      hooks.push({ name, ...fiber });
      void agent.fibers.run(name, forever);
    };
    await interrupted('kept');
    for (let n = 1; n < limits.fiberInterruptionsMax; n++) {
      await agent.restart();
      await agent.advance(60_000); // less than what counts as having got on
      expect(hooks).toHaveLength(n);
    }
    await agent.restart();
    await agent.advance(60_000);
    expect(agent.dead.list()).toMatchObject([{ id: 'f0', reason: 'interrupted', payload: 'kept' }]);
    expect(agent.errors).toEqual([expect.objectContaining({ code: 'BRG_FIBER_INTERRUPTED' })]);
    expect(hooks).toHaveLength(limits.fiberInterruptionsMax - 1);
    expect(agent.fibers.isBusy()).toBe(false);
  });

  it('is not set aside when it gets on between: it stashes something, or runs for minutes', async () => {
    agent.recovered = ({ name, ...fiber }) => {
      hooks.push({ name, ...fiber });
      const isStashing = hooks.length % 2 === 0;
      void agent.fibers.run(name, ({ stash }) => {
        if (isStashing) void stash(hooks.length);
        return forever();
      });
    };
    await interrupted();
    for (let n = 1; n <= 2 * limits.fiberInterruptionsMax; n++) {
      await agent.restart();
      expect(hooks).toHaveLength(n);
      await agent.advance(n % 2 === 0 ? 1_000 : limits.fiberRecoveryMaxMs);
    }
    expect(agent.dead.list()).toEqual([]);
    expect(hooks.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  it('in its hook is known as well', async () => {
    await interrupted();
    agent.recovered = (fiber) => {
      hooks.push(fiber);
      return forever();
    };
    for (let n = 0; n < limits.fiberInterruptionsMax; n++) {
      await agent.restart();
      await agent.advance(60_000);
    }
    expect(hooks.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
    expect(agent.dead.list()).toMatchObject([{ reason: 'interrupted' }]);
  });
});
