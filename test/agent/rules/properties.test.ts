import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { FiredRule } from '../../../src/agent/rules/index.ts';
import { Harness, rule } from './harness.ts';

type Event =
  | { readonly kind: 'alarm'; readonly afterMs: number }
  | {
      readonly kind: 'telemetry';
      readonly afterMs: number;
      readonly temperature: number;
      readonly lateMs: number | null;
    };

const afterMs = fc.oneof(fc.nat(20), fc.nat(3_000), fc.constantFrom(0, 1_000, 5_000, 60_000, 61_000));
const temperature = fc.integer({ min: 150, max: 250 }).map((tenths) => tenths / 10);

const telemetry = (lateMs: fc.Arbitrary<number | null>): fc.Arbitrary<Event> =>
  fc.record({ kind: fc.constant('telemetry' as const), afterMs, temperature, lateMs });
const alarm: fc.Arbitrary<Event> = fc.record({ kind: fc.constant('alarm' as const), afterMs });

/** Any history, with late samples and clocks that are ahead. */
const events = fc.array(fc.oneof(telemetry(fc.option(fc.integer({ min: -5_000, max: 70_000 }))), alarm), {
  maxLength: 60,
});
/** Telemetry that arrives in the order it was measured. */
const eventsInOrder = fc.array(fc.oneof(telemetry(fc.constant(null)), alarm), { maxLength: 60 });
/** Too few for the loop guard, whose minute begins with the firing. */
const fewEventsInOrder = fc.array(fc.oneof(telemetry(fc.constant(null)), alarm), { maxLength: 9 });

const op = fc.constantFrom('>', '>=', '<', '<=');
const forMs = fc.constantFrom({}, { forMs: 1_000 }, { forMs: 5_000 });
const hysteresis = fc.constantFrom({}, { hysteresis: 0.5 }, { hysteresis: 2 });
const value = fc.record({ metric: fc.constant('temperature'), op, value: temperature });
const delta = fc.record({ metric: fc.constant('temperature'), op, delta: fc.constantFrom(-3, 0, 0.1, 3) });
const within = fc.constantFrom(
  { metric: 'temperature', op: '>', delta: 3, withinMs: 5_000 },
  { metric: 'temperature', op: '<=', delta: -3, withinMs: 2_000 },
);
const rate = fc.record({ metric: fc.constant('temperature'), op, rate: fc.constantFrom(-1, 0, 1) });
const stale = fc.record({ metric: fc.constant('temperature'), staleFor: fc.constantFrom(1_000, 5_000) });

const anyRule = fc.oneof(
  fc
    .tuple(fc.oneof(value, delta, rate, within), forMs, hysteresis)
    .map(([when, a, b]) => ({ when, ...a, ...b })),
  stale.map((when) => ({ when })),
);
const rules = fc.array(anyRule, { minLength: 1, maxLength: 4 });
type RuleJson = typeof rules extends fc.Arbitrary<infer T> ? T : never;

function play(
  history: readonly Event[],
  inputs: RuleJson,
  restart: 'never' | 'always' | 'changed',
): FiredRule[] {
  const harness = new Harness(
    inputs.map((input, index) => rule({ ...input, id: `r${index}` })),
    restart,
  );
  let nowMs = 0;
  for (const event of history) {
    nowMs += event.afterMs;
    if (event.kind === 'alarm') harness.alarm(nowMs);
    else {
      const tsMs = event.lateMs === null ? null : nowMs - event.lateMs;
      harness.receive(nowMs, { temperature: event.temperature }, tsMs);
    }
  }
  return harness.fired;
}

describe('rules, for any history', () => {
  it('fire the same when the memory goes through JSON between all steps', () => {
    fc.assert(
      fc.property(events, rules, (history, inputs) => {
        expect(play(history, inputs, 'always')).toEqual(play(history, inputs, 'never'));
      }),
      { numRuns: 1000 },
    );
  });

  it('fire the same when restarted from what `changed` asked to persist, for telemetry in order', () => {
    fc.assert(
      fc.property(eventsInOrder, rules, (history, inputs) => {
        expect(play(history, inputs, 'changed')).toEqual(play(history, inputs, 'never'));
      }),
      { numRuns: 1000 },
    );
  });

  it('never act twice without re-arming, nor more often a minute than allowed', () => {
    fc.assert(
      fc.property(events, temperature, forMs, hysteresis, (history, threshold, hold, back) => {
        const harness = new Harness([
          rule({ when: { metric: 'temperature', op: '>', value: threshold }, ...hold, ...back }),
        ]);
        let isArmed = true;
        let nowMs = 0;
        for (const event of history) {
          nowMs += event.afterMs;
          if (event.kind === 'alarm') harness.alarm(nowMs);
          else harness.receive(nowMs, { temperature: event.temperature });
          const acted = harness.fired.splice(0).filter((one) => !one.suppressed).length;
          expect(acted).toBeLessThanOrEqual(isArmed ? 1 : 0);
          if (acted > 0) isArmed = false;
          const backMax = threshold - ('hysteresis' in back ? (back.hysteresis ?? 0) : 0) + 1e-9;
          if (event.kind === 'telemetry' && event.temperature <= backMax) isArmed = true;
          expect(harness.memories['r']?.firedAtMs.length ?? 0).toBeLessThanOrEqual(
            limits.ruleFiringsPerMinuteMax,
          );
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('fire no matter whether the alarm comes on time or the next message comes first', () => {
    fc.assert(
      fc.property(fewEventsInOrder, anyRule, (history, input) => {
        const late = new Harness([rule(input)]);
        const punctual = new Harness([rule(input)]);
        let nowMs = 0;
        for (const event of history) {
          nowMs += event.afterMs;
          const dueMs = punctual.alarmAtMs();
          if (dueMs !== null && dueMs <= nowMs) punctual.alarm(dueMs);
          if (event.kind === 'alarm') continue;
          punctual.receive(nowMs, { temperature: event.temperature });
          late.receive(nowMs, { temperature: event.temperature });
        }
        late.alarm(nowMs);
        punctual.alarm(nowMs);
        const values = (harness: Harness): unknown[] => harness.fired.map((one) => one.value);
        expect(values(late)).toEqual(values(punctual));
      }),
      { numRuns: 1000 },
    );
  });
});
