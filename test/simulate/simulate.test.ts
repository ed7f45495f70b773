/** The simulator itself: it finds nothing in the runtime, and what a test breaks it finds. */
import { expect, test } from 'vitest';
import type { FoundAgent, LogEntry } from '../../src/store/index.ts';
import { SimStore, soundParts, type DiskParts } from './disk.ts';
import { MemoryLog } from './memory-log.ts';
import { minimize, planOf, simulate } from './simulation.ts';

const SEEDS = 40;

/** The first seed that fails with these parts, and what was wrong. */
async function firstFailure(
  parts: DiskParts,
  shardsMin = 1,
  seedsMax = 150,
): Promise<{ seed: number; what: string }> {
  for (let seed = 1; seed <= seedsMax; seed++) {
    if (planOf(seed).shards < shardsMin) continue;
    const { violations } = await simulate(seed, { parts });
    if (violations[0] !== undefined) return { seed, what: violations[0] };
  }
  return { seed: 0, what: 'nothing' };
}

test(`${SEEDS} seeds of the runtime go well`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { violations } = await simulate(seed);
    expect([seed, ...violations]).toEqual([seed]);
  }
});

test('a seed is the same each time, and another one is not', async () => {
  const [one, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
  expect(again).toEqual(one);
  expect(other.digest).not.toBe(one.digest);
  expect(one.steps).toBeGreaterThan(100);
});

test('it finds a log that says it is synced and is not', async () => {
  class Unsynced extends MemoryLog {
    protected override sync(): void {}
  }
  const { what } = await firstFailure({ ...soundParts, openLog: (medium) => new Unsynced(medium) });
  expect(what).toMatch(/was acknowledged and is lost/);
});

test('it finds a journal of several shards that is not synced, or mixes them up', async () => {
  class Unsynced extends MemoryLog {
    protected override sync(): void {}
  }
  class Mixed extends MemoryLog {
    override readPage(_shard: number, ...where: [number, number, number]): LogEntry[] {
      return [0, 1, 2].flatMap((shard) => super.readPage(shard, ...where));
    }
  }
  const unsynced = await firstFailure({ ...soundParts, openLog: (medium) => new Unsynced(medium) }, 2);
  expect(unsynced.what).toMatch(/was acknowledged and is lost/);
  const mixed = await firstFailure({ ...soundParts, openLog: (medium) => new Mixed(medium) }, 2);
  expect(mixed.what).not.toBe('nothing');
});

test('it finds a log that a crash makes forget its last entry', async () => {
  class Forgetful extends MemoryLog {
    override *read(after: number): Iterable<LogEntry> {
      const entries = [...super.read(after)];
      yield* entries.slice(0, -1);
    }
  }
  const { what } = await firstFailure({ ...soundParts, openLog: (medium) => new Forgetful(medium) });
  expect(what).toMatch(/does not become calm|is lost|after a later|stopped at/);
});

test('it finds agents that do not know what they have applied', async () => {
  class Unaware extends SimStore {
    override load(found: FoundAgent, nowMs: number): ReturnType<SimStore['load']> {
      const loaded = super.load(found, nowMs);
      found.row.appliedSequence = 0;
      return loaded;
    }
  }
  const parts = {
    ...soundParts,
    openStore: (...made: ConstructorParameters<typeof SimStore>) => new Unaware(...made),
  };
  const { seed, what } = await firstFailure(parts);
  expect(what).toMatch(/twice in/);
  const { plan } = await minimize(seed, parts);
  expect(plan.actions.length).toBeLessThan(8);
});

test('it finds alarms that are not in the rows', async () => {
  class Sleepy extends SimStore {
    override commit(...given: Parameters<SimStore['commit']>): void {
      for (const { row } of given[0]) if (row.appliedSequence % 3 === 0) row.alarmAtMs = null;
      super.commit(...given);
    }
  }
  const parts = {
    ...soundParts,
    openStore: (...made: ConstructorParameters<typeof SimStore>) => new Sleepy(...made),
  };
  const { what } = await firstFailure(parts);
  expect(what).toMatch(/did not ring/);
});
