import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RuleMemories } from '../../../src/agent/rules/index.ts';
import { evaluateAlarm, evaluateTelemetry } from '../../../src/agent/rules/index.ts';
import type { Rule } from '../../../src/agent/rules/rule.ts';
import { spanAt } from '../../../src/agent/rules/span.ts';
import { Harness, rule } from './harness.ts';
import { firedMinutes, MINUTE_MS } from './minute-engine.ts';

const hot = { metric: 'temperature', op: '>', value: 35 };
const fast = { metric: 'speed', op: '>', value: 10 };

describe('a group of conditions', () => {
  it('of all fires once when the last of them becomes true, whichever message brings it', () => {
    const harness = new Harness([rule({ when: { all: [hot, fast] } })], 'always');
    expect(harness.receive(0, { temperature: 36 })).toEqual([]);
    expect(harness.receive(1, { speed: 11 })).toHaveLength(1);
    expect(harness.receive(2, { temperature: 37, speed: 12 })).toEqual([]);
    expect(harness.receive(3, { temperature: 20 })).toEqual([]);
    expect(harness.receive(4, { temperature: 40, speed: 9 })).toEqual([]);
    expect(harness.receive(5, { speed: 11 })).toHaveLength(1);
  });

  it('of any fires once while at least one is true, and says which', () => {
    const harness = new Harness([rule({ when: { any: [hot, fast] } })], 'always');
    expect(harness.receive(0, { speed: 11 })).toMatchObject([{ metric: 'speed', value: 11 }]);
    expect(harness.receive(1, { temperature: 36 })).toEqual([]);
    expect(harness.receive(2, { speed: 1 })).toEqual([]);
    expect(harness.receive(3, { temperature: 20 })).toEqual([]);
    expect(harness.receive(4, { temperature: 36 })).toMatchObject([{ metric: 'temperature', value: 36 }]);
  });

  it('holds forMs over the whole: of any, one may take over from another', () => {
    const harness = new Harness([rule({ when: { any: [hot, fast] }, forMs: 10_000 })], 'always');
    harness.receive(0, { temperature: 36 });
    harness.receive(6_000, { speed: 11 });
    harness.receive(7_000, { temperature: 20 });
    expect(harness.alarmAtMs()).toBe(10_000);
    expect(harness.alarm(10_000)).toHaveLength(1);
  });

  it('re-arms by the hysteresis of each condition', () => {
    const harness = new Harness([rule({ when: { all: [{ ...hot, hysteresis: 2 }, fast] } })], 'always');
    const fired = (at: number, temperature: number, speed: number): number =>
      harness.receive(at, { temperature, speed }).length;
    expect([fired(0, 36, 11), fired(1, 34, 11), fired(2, 36, 11)]).toEqual([1, 0, 0]);
    expect([fired(3, 33, 11), fired(4, 36, 11)]).toEqual([0, 1]);
    expect([fired(5, 36, 9), fired(6, 36, 11)]).toEqual([0, 1]);
  });

  it('waits for silence, and holds from the moment it is silent for long enough', () => {
    const silent = { metric: 'speed', staleFor: 60_000 };
    const harness = new Harness([rule({ when: { all: [hot, silent] }, forMs: 10_000 })], 'always');
    harness.receive(0, { speed: 1, temperature: 36 });
    expect(harness.alarmAtMs()).toBe(70_000);
    harness.receive(65_000, { temperature: 37 });
    expect(harness.alarmAtMs()).toBe(70_000);
    harness.receive(66_000, { temperature: 20 });
    expect(harness.alarmAtMs()).toBeNull();
    harness.receive(67_000, { temperature: 36 });
    expect(harness.alarm(77_000)).toHaveLength(1);
    harness.receive(78_000, { speed: 1 });
    expect(harness.alarmAtMs()).toBe(148_000);
  });

  it('ignores the late samples of one metric while it takes those of another', () => {
    const harness = new Harness([rule({ when: { all: [hot, fast] } })], 'always');
    harness.receive(1_000, { temperature: 20 }, 1_000);
    expect(harness.receive(2_000, { temperature: 36, speed: 11 }, 500)).toEqual([]);
    expect(harness.receive(3_000, { temperature: 36 }, 3_000)).toHaveLength(1);
  });

  it('tells people all values it looked at', () => {
    const stop = { kind: 'command', name: 'stop' };
    const harness = new Harness([rule({ when: { all: [hot, fast] }, do: stop })]);
    const [fired] = harness.receive(0, { temperature: 36, speed: 11 });
    expect(fired?.text).toBe(
      'stop, because temperature is above 35 and speed is above 10 (now temperature 36, speed 11)',
    );
  });
});

/** Of one January day in Berlin, an hour ahead of UTC. */
const at = (time: string, day = '2027-01-15'): number => Date.parse(`${day}T${time}Z`);

/** Feeds one rule by dates. */
class Days {
  readonly #rule: Rule;
  #memories: RuleMemories = {};
  nextAlarm: string | null = null;

  constructor(input: Record<string, unknown>) {
    this.#rule = rule(input);
  }

  at(nowMs: number, temperature?: number): number {
    this.#memories = JSON.parse(JSON.stringify(this.#memories)) as RuleMemories; // as it was written
    const { fired, nextAlarmMs } =
      temperature === undefined
        ? evaluateAlarm([this.#rule], this.#memories, nowMs)
        : evaluateTelemetry([this.#rule], this.#memories, { ts: null, values: { temperature } }, nowMs);
    this.nextAlarm = nextAlarmMs === null ? null : new Date(nextAlarmMs).toISOString();
    return fired.length;
  }
}

describe('a rule with times', () => {
  const night = { between: ['22:00', '06:00'], zone: 'Europe/Berlin' };

  it('fires when they begin with a condition that is true already, at an alarm, and again in the next ones', () => {
    const days = new Days({ when: hot, ...night });
    expect(days.at(at('12:00'), 36)).toBe(0);
    expect(days.nextAlarm).toBe('2027-01-15T21:00:00.000Z');
    expect(days.at(at('20:59:59.999'))).toBe(0);
    expect(days.at(at('21:00'))).toBe(1);
    expect(days.nextAlarm).toBe('2027-01-16T05:00:00.000Z');
    expect(days.at(at('23:00'), 36)).toBe(0);
    expect(days.at(at('05:00', '2027-01-16'))).toBe(0);
    expect(days.nextAlarm).toBe('2027-01-16T21:00:00.000Z');
    expect(days.at(at('21:30', '2027-01-16'), 20)).toBe(1); // the alarm is late, and due before the message
  });

  it('never fires outside of them, however late its alarm comes', () => {
    const days = new Days({ when: hot, forMs: 600_000, ...night });
    days.at(at('21:30'), 36);
    expect(days.nextAlarm).toBe('2027-01-15T21:40:00.000Z');
    expect(days.at(at('05:00', '2027-01-16'))).toBe(0);
    expect(days.at(at('21:10', '2027-01-16'))).toBe(1);
  });

  it('ends a hold with them', () => {
    const days = new Days({ when: hot, forMs: 600_000, ...night });
    days.at(at('04:50', '2027-01-16'), 36);
    expect(days.nextAlarm).toBe('2027-01-16T05:00:00.000Z');
    expect(days.at(at('05:00', '2027-01-16'))).toBe(0);
    expect(days.nextAlarm).toBe('2027-01-16T21:10:00.000Z');
  });

  it('asks for no alarm while nothing can become true', () => {
    const days = new Days({ when: hot, ...night });
    days.at(at('12:00'), 20);
    expect(days.nextAlarm).toBeNull();
    expect(days.at(at('22:00'), 36)).toBe(1);
    expect(days.at(at('23:00'), 20)).toBe(0);
    expect(days.nextAlarm).toBeNull();
  });

  it('takes days in a row as one, and a night as part of the day on which it begins', () => {
    const weekend = new Days({ when: hot, days: ['sat', 'sun'], zone: 'UTC' });
    expect(weekend.at(at('23:00'), 36)).toBe(0); // a Friday
    expect(weekend.at(at('00:00', '2027-01-16'))).toBe(1);
    expect(weekend.at(at('12:00', '2027-01-17'), 37)).toBe(0);
    expect(weekend.nextAlarm).toBe('2027-01-18T00:00:00.000Z');
    const friday = new Days({ when: hot, between: ['22:00', '06:00'], days: ['fri'], zone: 'UTC' });
    expect(friday.at(at('05:59', '2027-01-16'), 36)).toBe(1);
    expect(friday.at(at('23:00', '2027-01-16'), 20)).toBe(0);
    expect(friday.at(at('23:30', '2027-01-16'), 36)).toBe(0);
    expect(friday.nextAlarm).toBe('2027-01-22T22:00:00.000Z');
  });

  it.each([
    // 2027-03-28, 02:00 to 03:00 does not exist in Berlin; 2027-10-31, 02:00 to 03:00 comes twice.
    ['2027-03-28T00:00Z', '01:30', '04:00', '2027-03-28T00:30Z', '2027-03-28T02:00Z'],
    ['2027-03-28T00:00Z', '02:30', '04:00', '2027-03-28T01:00Z', '2027-03-28T02:00Z'],
    ['2027-03-28T00:00Z', '01:00', '02:30', '2027-03-28T00:00Z', '2027-03-28T01:00Z'],
    ['2027-03-28T00:00Z', '02:10', '02:50', '2027-03-29T00:10Z', '2027-03-29T00:50Z'],
    ['2027-10-31T00:00Z', '01:00', '02:30', '2027-10-30T23:00Z', '2027-10-31T00:30Z'],
    ['2027-10-31T01:15Z', '01:00', '02:30', '2027-11-01T00:00Z', '2027-11-01T01:30Z'],
    ['2027-10-31T00:00Z', '02:30', '04:00', '2027-10-31T00:30Z', '2027-10-31T03:00Z'],
    ['2027-10-31T00:00Z', '03:00', '02:00', '2027-10-31T02:00Z', '2027-11-01T01:00Z'],
  ])('at %s, between %s and %s is from %s to %s', (now, from, to, begin, end) => {
    const timing = { between: [from, to], zone: 'Europe/Berlin' } as const;
    const span = spanAt(timing, Date.parse(now));
    expect([span.fromMs, span.toMs]).toEqual([Date.parse(begin), Date.parse(end)]);
  });
});

describe('any group, with any times', () => {
  const threshold = fc.record({
    op: fc.constantFrom('>', '<'),
    value: fc.integer({ min: 1, max: 4 }),
    hysteresis: fc.constantFrom(0, 1, 2),
  });
  const metric = fc.constantFrom('temperature', 'speed');
  const silent = fc.record({ metric, staleFor: fc.integer({ min: 1, max: 40 }).map((n) => n * MINUTE_MS) });
  const member = fc.oneof(
    fc.tuple(metric, threshold).map(([name, rest]) => ({ metric: name, ...rest })),
    silent,
  );
  const members = fc.array(member, { minLength: 2, maxLength: 4 });
  const when = fc.oneof(
    members.map((all) => ({ all })),
    members.map((any) => ({ any })),
  );
  const clock = fc
    .tuple(fc.nat(23), fc.nat(59))
    .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`);
  const times = fc.option(
    fc.tuple(clock, clock).filter(([from, to]) => from !== to),
    { nil: undefined },
  );
  const forMinutes = fc.constantFrom(0, 1, 7, 30);
  const values = fc.record(
    { temperature: fc.nat(5), speed: fc.nat(5) },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Record<string, number>>;
  const samples = fc.array(fc.tuple(fc.nat(90), values), { minLength: 1, maxLength: 30 });

  it('fires at exactly the minutes at which an engine that looks at every minute does', () => {
    fc.assert(
      fc.property(when, times, forMinutes, samples, fc.boolean(), (group, between, hold, steps, isPlain) => {
        let minute = 0;
        const history = steps.map(([after, one]) => ({ atMinute: (minute += after), values: one }));
        const startMs = at('00:00');
        const only = 'all' in group ? group.all[0] : group.any[0];
        const single = (): Record<string, unknown> => {
          const { hysteresis, ...condition } = { hysteresis: 0, ...only };
          return { when: condition, ...(hysteresis === 0 ? {} : { hysteresis }) };
        };
        const input = {
          ...(isPlain ? single() : { when: group }),
          ...(hold === 0 || (isPlain && only !== undefined && 'staleFor' in only)
            ? {}
            : { forMs: hold * MINUTE_MS }),
          ...(between === undefined ? {} : { between, zone: 'UTC' }),
        };
        let checked: Rule;
        try {
          checked = rule(input);
        } catch {
          return; // a hold longer than its times
        }
        let memories: RuleMemories = {};
        const fired: number[] = [];
        let nextAlarmMs: number | null = startMs;
        const note = (nowMs: number, evaluation: ReturnType<typeof evaluateAlarm>): void => {
          fired.push(...evaluation.fired.map(() => (nowMs - startMs) / MINUTE_MS));
          nextAlarmMs = evaluation.nextAlarmMs;
          memories = JSON.parse(JSON.stringify(memories)) as RuleMemories; // as it was written
        };
        for (const { atMinute, values: sample } of history) {
          const nowMs = startMs + atMinute * MINUTE_MS;
          while (nextAlarmMs !== null && nextAlarmMs <= nowMs) {
            const dueMs: number = nextAlarmMs;
            note(dueMs, evaluateAlarm([checked], memories, dueMs));
            expect(nextAlarmMs === null || nextAlarmMs > dueMs).toBe(true);
          }
          note(nowMs, evaluateTelemetry([checked], memories, { ts: null, values: sample }, nowMs));
        }
        expect(fired).toEqual(firedMinutes(checked, history, startMs));
      }),
      { numRuns: 500 },
    );
  });
});
