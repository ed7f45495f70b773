import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DueIndex } from '../../../src/agent/jobs/due-index.ts';
import { Harness } from './harness.ts';

/** What a run of a job does, attempt by attempt; when the list is over it succeeds. */
type Outcome = 'ok' | 'throw' | 'reject' | 'cut' | 'cut later';

type Action =
  | { readonly kind: 'queue' | 'schedule'; readonly delayMs: number; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'steps'; readonly count: number }
  | { readonly kind: 'crash' | 'restart' | 'failing turn' };

const HOUR = 3_600_000;
const delayMs = fc.oneof(fc.nat(10), fc.nat(5_000), fc.constantFrom(0, 1_000, 120_000));

function actions(outcome: fc.Arbitrary<Outcome>): fc.Arbitrary<Action[]> {
  const outcomes = fc.array(outcome, { maxLength: 5 });
  const job = fc.record({ kind: fc.constantFrom('queue' as const, 'schedule' as const), delayMs, outcomes });
  const other: fc.Arbitrary<Action> = fc.oneof(
    fc.record({ kind: fc.constant('cancel' as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant('advance' as const), ms: delayMs }),
    fc.record({ kind: fc.constant('steps' as const), count: fc.nat(4) }),
    fc.record({ kind: fc.constantFrom('crash' as const, 'restart' as const, 'failing turn' as const) }),
  );
  return fc.array(fc.oneof({ weight: 2, arbitrary: job }, { weight: 3, arbitrary: other }), {
    maxLength: 40,
  });
}

class World {
  readonly agent = new Harness();
  readonly created: { id: string; kind: 'queue' | 'schedule'; isCancelled: boolean }[] = [];
  readonly runs = new Map<string, number>();
  readonly succeeded = new Map<string, number>();

  constructor() {
    this.agent.wake();
    this.agent.handle('work', (payload, info) => this.#work(payload as Outcome[], String(info['id'])));
  }

  async perform(list: readonly Action[]): Promise<void> {
    for (const action of list) await this.#act(action);
    for (let life = 0; life < 200; life++) {
      await this.agent.advance(HOUR);
      if (this.agent.diskAlarmMs === null) return;
    }
    throw new Error('never comes to rest');
  }

  async #act(action: Action): Promise<void> {
    const { agent } = this;
    switch (action.kind) {
      case 'queue':
      case 'schedule': {
        const { kind, outcomes } = action;
        const id = agent.turn(() =>
          kind === 'queue'
            ? agent.queue.queue('work', outcomes)
            : agent.schedules.schedule(action.delayMs / 1000, 'work', outcomes).id,
        );
        this.created.push({ id, kind, isCancelled: false });
        return;
      }
      case 'cancel': {
        const job = this.created[action.which];
        if (job === undefined) return;
        job.isCancelled = true;
        agent.turn(() => {
          agent.queue.dequeue(job.id);
          agent.schedules.cancelSchedule(job.id);
        });
        return;
      }
      case 'advance':
        return agent.advance(action.ms);
      case 'steps':
        agent.ring();
        for (let n = 0; n < action.count; n++) await agent.step();
        return;
      case 'crash':
        return agent.crash();
      case 'restart':
        return agent.restart();
      case 'failing turn':
        expect(() => agent.turn(() => this.#failingTurn())).toThrow('taken back');
        agent.turn(() => {});
    }
  }

  #failingTurn(): never {
    const { agent, created } = this;
    agent.queue.queue('work', ['ok']);
    agent.schedules.schedule(0, 'work', ['ok']);
    for (const { id } of created) {
      agent.queue.dequeue(id);
      agent.schedules.cancelSchedule(id);
    }
    throw new Error('taken back');
  }

  #work(outcomes: readonly Outcome[], id: string): void | Promise<void> {
    const run = this.runs.get(id) ?? 0;
    this.runs.set(id, run + 1);
    switch (outcomes[run] ?? 'ok') {
      case 'ok':
        this.succeeded.set(id, (this.succeeded.get(id) ?? 0) + 1);
        return undefined;
      case 'throw':
        throw new Error('thrown');
      case 'reject':
        return Promise.reject(new Error('rejected'));
      case 'cut':
        return this.agent.crash();
      case 'cut later':
        // The work was done, then the process ended before that was on disk.
        this.succeeded.set(id, (this.succeeded.get(id) ?? 0) + 1);
        return this.agent.crash();
    }
  }
}

describe('jobs', () => {
  it('are never lost: whatever happens, each succeeds, is a dead letter, or was cancelled', async () => {
    const anything = fc.constantFrom<Outcome>('ok', 'throw', 'reject', 'cut', 'cut later');
    await fc.assert(
      fc.asyncProperty(actions(anything), async (list) => {
        const world = new World();
        await world.perform(list);
        const dead = new Set(world.agent.dead.list().map(({ id }) => id));
        for (const { id, isCancelled } of world.created) {
          const outcomes = [world.succeeded.has(id), dead.has(id), isCancelled];
          expect(outcomes).toContain(true);
        }
        // A dead letter stays; nothing else does.
        expect([...world.agent.disk.keys()].filter((name) => !name.startsWith('dead:'))).toEqual([]);
        expect(dead.size).toBe(world.agent.disk.size);
      }),
      { numRuns: 600 },
    );
  });

  it('succeed exactly once when nothing fails, crashes between turns included', async () => {
    await fc.assert(
      fc.asyncProperty(actions(fc.constant('ok')), async (list) => {
        const world = new World();
        await world.perform(list);
        // Those that were claimed during three crashes were set aside, although they were not to blame.
        const reasons = new Set(world.agent.dead.list().map(({ reason }) => reason));
        expect([[], ['interrupted']]).toContainEqual([...reasons]);
        world.agent.turn(() => world.agent.dead.retryDead());
        await world.agent.settle();
        const live = world.created.filter(({ isCancelled }) => !isCancelled);
        expect(live.map(({ id }) => world.succeeded.get(id))).toEqual(live.map(() => 1));
        expect(world.agent.disk.size).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('of the queue begin in the order in which they were queued', async () => {
    await fc.assert(
      fc.asyncProperty(actions(fc.constantFrom('ok', 'throw', 'reject')), async (list) => {
        const world = new World();
        await world.perform(list);
        const first: string[] = [];
        for (const { info } of world.agent.calls) {
          const id = String(info['id']);
          if (!first.includes(id)) first.push(id);
        }
        const queued = world.created.filter(({ kind }) => kind === 'queue').map(({ id }) => id);
        expect(first.filter((id) => queued.includes(id))).toEqual(queued.filter((id) => first.includes(id)));
      }),
      { numRuns: 300 },
    );
  });

  it('of a schedule never run early', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(delayMs, { maxLength: 30 }), async (delays) => {
        const agent = new Harness();
        agent.wake();
        agent.handle('work');
        const startMs = agent.nowMs;
        agent.turn(() => delays.forEach((ms) => agent.schedules.schedule(ms / 1000, 'work', ms)));
        await agent.advance(HOUR);
        expect(agent.calls.map(({ atMs }) => atMs - startMs)).toEqual([...delays].sort((a, b) => a - b));
      }),
    );
  });

  it('are found by the index as by looking at all of them', () => {
    const change = fc.record({
      id: fc.nat(15).map(String),
      atMs: fc.option(fc.nat(50)),
      order: fc.nat(50),
      nowMs: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
        const index = new DueIndex();
        const model = new Map<string, { atMs: number; order: number; number: number }>();
        let nowMs = 0;
        changes.forEach(({ id, atMs, order, nowMs: laterMs }, number) => {
          nowMs = Math.max(nowMs, laterMs);
          if (atMs === null) {
            index.delete(id);
            model.delete(id);
          } else {
            index.set(id, atMs, order);
            model.set(id, { atMs, order, number });
          }
          const due = [...model].filter(([, entry]) => entry.atMs <= nowMs);
          due.sort(([, a], [, b]) => a.order - b.order || a.number - b.number);
          expect(index.next(nowMs)).toBe(due[0]?.[0]);
          const earliest = Math.min(...[...model.values()].map((entry) => entry.atMs));
          // What is due keeps its place even if something that is due earlier was added since.
          const nextMs = index.nextMs();
          if (due.length === 0) expect(nextMs).toBe(model.size === 0 ? null : earliest);
          else expect(nextMs).toBeLessThanOrEqual(nowMs);
        });
      }),
    );
  });

  it('10,000 schedules due in the same minute fire once each, by cron and singly', async () => {
    const agent = new Harness();
    agent.wake();
    agent.handle('work');
    const start = performance.now();
    agent.turn(() => {
      for (let n = 0; n < 10_000; n++) {
        if (n % 10 === 0) agent.schedules.schedule('*/5 * * * *', 'work', n);
        else agent.schedules.schedule(270 + (n % 30), 'work', n);
      }
    });
    agent.restart();
    await agent.advance(6 * 60_000);
    expect(new Set(agent.calls.map(({ payload }) => payload)).size).toBe(10_000);
    expect(agent.calls).toHaveLength(10_000);
    expect(agent.schedules.getSchedules()).toHaveLength(1000);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});
