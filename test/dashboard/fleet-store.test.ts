import { describe, expect, it } from 'vitest';
import type { AgentSummary } from '../../src/dashboard/api-types.ts';
import { FLEET_ROWS_MAX, FleetStore } from '../../src/dashboard/fleet-store.ts';
import type { ListChange } from '../../src/dashboard/fleet-store.ts';
import { needsReselect, selectRows } from '../../src/dashboard/fleet-view.ts';
import { NO_FILTER } from '../../src/dashboard/router.ts';

/** A store whose animation frames run when the test says so. */
function makeStore() {
  const frames: (() => void)[] = [];
  const store = new FleetStore(
    (flush) => frames.push(flush),
    () => 'temperature',
  );
  const runFrames = (): number => {
    const due = frames.splice(0);
    for (const frame of due) frame();
    return due.length;
  };
  return { store, runFrames };
}

function agent(id: string, change: Partial<AgentSummary> = {}): AgentSummary {
  return {
    model: 'greenhouse',
    id,
    presence: 'online',
    lastSeen: 1000,
    messages: 1,
    rejected: 0,
    state: { temperature: 20 },
    ...change,
  };
}

describe('FleetStore', () => {
  it('asks for one animation frame for any number of changes', () => {
    const { store, runFrames } = makeStore();
    for (let n = 0; n < 500; n++) store.merge([agent(`g${n}`)], true);
    expect(runFrames()).toBe(1);
    expect(runFrames()).toBe(0);
    expect(store.size).toBe(500);
  });

  it('tells only the listeners of rows that changed', () => {
    const { store, runFrames } = makeStore();
    store.merge([agent('g1'), agent('g2')], false);
    runFrames();
    const heard: string[] = [];
    const stop = store.onRow('greenhouse/g1', () => heard.push('g1'));
    store.onRow('greenhouse/g2', () => heard.push('g2'));
    store.merge([agent('g2', { messages: 2 }), agent('g2', { messages: 3 })], true);
    runFrames();
    expect(heard).toEqual(['g2']);
    stop();
    store.merge([agent('g1')], true);
    runFrames();
    expect(heard).toEqual(['g2']);
    expect(store.get('greenhouse/g2')?.messages).toBe(3);
  });

  it('tells the list whether rows came, moved or only changed their numbers', () => {
    const { store, runFrames } = makeStore();
    const changes: ListChange[] = [];
    store.onList((change) => changes.push(change));
    const steps = [
      () => store.merge([agent('g1')], false),
      () => store.merge([agent('g1', { messages: 2 })], true),
      () => store.merge([agent('g1', { presence: 'offline' })], true),
      () => store.forget(['greenhouse/g1']),
    ];
    for (const step of steps) {
      step();
      runFrames();
    }
    expect(changes).toEqual(['structure', 'values', 'structure', 'structure']);
    expect(store.size).toBe(0);
  });

  it('grows the trend from frames, not from the list, and puts history before it', () => {
    const { store } = makeStore();
    store.merge([agent('g1')], false);
    expect(store.get('greenhouse/g1')?.trend).toBeNull();
    store.merge([agent('g1', { state: { temperature: 22 } })], true);
    store.prependTrend('greenhouse/g1', [18, 19]);
    expect(store.get('greenhouse/g1')?.trend?.values()).toEqual([18, 19, 22]);
  });

  it(`keeps at most ${FLEET_ROWS_MAX} rows`, () => {
    const { store } = makeStore();
    store.merge(
      Array.from({ length: FLEET_ROWS_MAX + 5 }, (_, n) => agent(`g${n}`)),
      false,
    );
    expect(store.size).toBe(FLEET_ROWS_MAX);
  });
});

describe('selectRows', () => {
  const { store } = makeStore();
  store.merge(
    [
      agent('g10', { messages: 5 }),
      agent('g2', { presence: 'offline', rejected: 3 }),
      agent('p1', { model: 'pump', presence: 'never', lastSeen: null, messages: 9 }),
    ],
    false,
  );
  const ids = (filter: Partial<typeof NO_FILTER>): string[] =>
    selectRows(store.rows(), { ...NO_FILTER, ...filter }).map((row) => row.id);

  it('sorts numbers in names as numbers', () => {
    expect(ids({})).toEqual(['g2', 'g10', 'p1']);
  });

  it('finds every word in model or id, in any case', () => {
    expect(ids({ q: 'GREEN 10' })).toEqual(['g10']);
    expect(ids({ q: 'nobody' })).toEqual([]);
  });

  it('filters by model, presence and rejected messages', () => {
    expect(ids({ model: 'pump' })).toEqual(['p1']);
    expect(ids({ presence: 'offline' })).toEqual(['g2']);
    expect(ids({ rejected: true })).toEqual(['g2']);
  });

  it('sorts by any column, in both directions', () => {
    expect(ids({ sort: 'messages', descending: true })).toEqual(['p1', 'g10', 'g2']);
    expect(ids({ sort: 'presence' })).toEqual(['g10', 'g2', 'p1']);
    expect(ids({ sort: 'lastSeen' })[0]).toBe('p1');
  });

  it('selects again after numbers changed only where they decide', () => {
    expect(needsReselect('values', NO_FILTER)).toBe(false);
    expect(needsReselect('structure', NO_FILTER)).toBe(true);
    expect(needsReselect('values', { ...NO_FILTER, sort: 'messages' })).toBe(true);
  });
});
