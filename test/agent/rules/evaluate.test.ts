import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Harness, rule, START_MS } from './harness.ts';
import { above, parseSteps, scenarios, stale } from './scenarios.ts';

describe('rules', () => {
  for (const restart of ['never', 'always'] as const) {
    it.each(scenarios)(`%s (restart: ${restart})`, (_title, input, script) => {
      const harness = new Harness([rule(input)], restart);
      const steps = parseSteps(script);
      const fired = steps.map(({ atMs, temperature, tsMs }) =>
        temperature === null ? harness.alarm(atMs) : harness.receive(atMs, { temperature }, tsMs),
      );
      expect(fired.map((one) => one.length)).toEqual(steps.map((step) => Number(step.fires)));
    });
  }

  it('compares booleans, words and texts', () => {
    const harness = new Harness([
      rule({ id: 'running', when: { metric: 'running', op: '==', value: false } }),
      rule({ id: 'mode', when: { metric: 'mode', op: '!=', value: 'auto' } }),
      rule({ id: 'note', when: { metric: 'note', op: '==', value: 'help' } }),
    ]);
    const ids = (values: Record<string, string | boolean>): string[] =>
      harness.receive(0, values).map((one) => one.ruleId);
    expect(ids({ running: true, mode: 'auto', note: '' })).toEqual([]);
    expect(ids({ running: false })).toEqual(['running']);
    expect(ids({ mode: 'manual', note: 'help' })).toEqual(['mode', 'note']);
  });

  it('says what fired, with value, time and words for people', () => {
    const vent = { kind: 'command', name: 'vent', argument: 'open' };
    const harness = new Harness([rule(above({ forMs: 10_000, do: vent }))]);
    harness.receive(0, { temperature: 36 });
    harness.receive(5_000, { temperature: 36.2 });
    expect(harness.alarm(10_003)).toEqual([
      {
        ruleId: 'r',
        action: vent,
        metric: 'temperature',
        value: 36.2,
        atMs: START_MS + 10_003,
        text: 'vent open, because temperature is above 35 for 10 s (now 36.2)',
        suppressed: false,
        suppressedCount: 0,
      },
    ]);
  });

  it('says when the next alarm is due, the earliest of all rules', () => {
    const harness = new Harness([rule(above({ forMs: 10_000 })), rule({ id: 's', ...stale })]);
    harness.alarm(0);
    expect(harness.alarmAtMs()).toBe(60_000);
    harness.receive(1_000, { temperature: 36 });
    expect(harness.alarmAtMs()).toBe(11_000);
    harness.receive(2_000, { temperature: 20 });
    expect(harness.alarmAtMs()).toBe(62_000);
    harness.alarm(62_000);
    expect(harness.alarmAtMs()).toBeNull();
  });

  it('does not count the time the bridge was down as silence of the device', () => {
    const harness = new Harness([rule(stale)]);
    harness.receive(0, { temperature: 20 });
    expect(harness.alarm(3_600_000, 3_599_000)).toEqual([]);
    expect(harness.alarmAtMs()).toBe(3_659_000);
    expect(harness.alarm(3_659_000, 3_599_000)).toHaveLength(1);
  });

  it('allocates no answer and asks for no write while a value rule stays as it is', () => {
    const harness = new Harness([rule(above())]);
    harness.receive(0, { temperature: 20 });
    expect(harness.changed).toBe(true);
    harness.receive(1, { temperature: 21 });
    expect(harness.changed).toBe(false);
    harness.receive(2, { speed: 21 });
    expect(harness.changed).toBe(false);
    harness.receive(3, { temperature: 36 });
    expect(harness.changed).toBe(true);
  });

  it('costs nothing without rules', () => {
    const harness = new Harness([]);
    harness.receive(0, { temperature: 20 });
    expect(harness.memories).toEqual({});
    expect(harness.changed).toBe(false);
  });

  it('keeps rules named like members of Object apart from them', () => {
    const harness = new Harness([rule({ ...above(), id: 'constructor' })], 'always');
    expect(harness.receive(0, { temperature: 36 })).toHaveLength(1);
    expect(harness.receive(0, { temperature: 36 })).toHaveLength(0);
  });

  it('holds the window of a delta to a bounded number of points', () => {
    const harness = new Harness([rule({ when: { metric: 'speed', op: '>', delta: 1e9, withinMs: 60_000 } })]);
    for (let second = 0; second < 10_000; second += 1) harness.receive(second * 100, { speed: second });
    const points = harness.memories['r']?.window.length ?? 0;
    expect(points).toBeGreaterThan(limits.ruleWindowPointsMax / 2);
    expect(points).toBeLessThanOrEqual(limits.ruleWindowPointsMax + 1);
  });
});

describe('the loop guard', () => {
  const most = limits.ruleFiringsPerMinuteMax;

  /** Crosses the threshold once a second from `fromMs` on. */
  function cross(harness: Harness, times: number, fromMs: number): void {
    for (let time = 0; time < times; time += 1) {
      harness.receive(fromMs + time * 1000, { temperature: 36 });
      harness.receive(fromMs + time * 1000 + 500, { temperature: 20 });
    }
  }

  it(`checklist 25: lets ${most} firings of a rule in a minute act and marks the others`, () => {
    const harness = new Harness([rule(above())], 'always');
    cross(harness, most + 3, 0);
    expect(harness.fired.map((one) => one.suppressedCount)).toEqual([
      ...Array<number>(most).fill(0),
      1,
      2,
      3,
    ]);
    expect(harness.fired.filter((one) => !one.suppressed)).toHaveLength(most);
    cross(harness, 1, 60_000);
    expect(harness.fired.at(-1)?.suppressed).toBe(false);
  });

  it('carries a suppressed firing out as soon as it may, if the condition is still true then', () => {
    const harness = new Harness([rule(above())], 'always');
    cross(harness, most, 0);
    expect(harness.receive(30_000, { temperature: 36 })[0]?.suppressed).toBe(true);
    expect(harness.alarmAtMs()).toBe(60_000);
    expect(harness.alarm(59_999)).toEqual([]);
    expect(harness.alarm(60_000)[0]?.suppressed).toBe(false);
    expect(harness.receive(60_001, { temperature: 36 })).toEqual([]);
  });

  it('drops a suppressed firing whose condition has ended', () => {
    const harness = new Harness([rule(above({ hysteresis: 2 }))], 'always');
    cross(harness, most, 0);
    harness.receive(30_000, { temperature: 36 });
    harness.receive(31_000, { temperature: 34 });
    expect(harness.alarmAtMs()).toBeNull();
    expect(harness.receive(70_000, { temperature: 36 })).toEqual([]);
    harness.receive(71_000, { temperature: 33 });
    expect(harness.receive(72_000, { temperature: 36 })[0]?.suppressed).toBe(false);
  });
});
