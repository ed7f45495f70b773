import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { definitions } from '../../../devices/index.ts';
import { limits } from '../../../src/base/limits.ts';
import { describeRule, parseRule } from '../../../src/agent/rules/index.ts';
import { definition, rule } from './harness.ts';

const when = { metric: 'temperature', op: '>', value: 35 };
const alert = { kind: 'alert', text: 'look' };
const temperature = (more: Record<string, unknown>): unknown => ({
  when: { metric: 'temperature', ...more },
  do: alert,
});
const doing = (action: unknown): unknown => ({ when, do: action });

/** Every mistake, and what its message must teach. */
const mistakes: readonly (readonly [input: unknown, message: string])[] = [
  [
    'too hot',
    'rule: must be an object with id, when, forMs, hysteresis, between, days, zone, do, not "too hot"',
  ],
  [
    { when, do: alert, enabled: true },
    'rule: has no field "enabled"; it has id, when, forMs, hysteresis, between, days, zone, do',
  ],
  [{ id: 'a/b', when, do: alert }, 'id: must be 1 to 64 letters'],
  [{ id: '__proto__', when, do: alert }, 'id: must be 1 to 64 letters'],
  [{ do: alert }, 'when: must be an object with metric, op'],
  [{ when: { ...when, unit: 'C' }, do: alert }, 'when: has no field "unit"'],
  [
    { when: { metric: 'temp', op: '>', value: 1 }, do: alert },
    'when.metric: rules-test has no metric "temp"; it has temperature, speed, target, running, mode, note',
  ],
  [{ when: { metric: 'target', op: '>', value: 10 }, do: alert }, 'when.metric: target can only be set'],
  [temperature({ op: '>' }), 'when: needs exactly one of value, delta, rate, staleFor'],
  [temperature({ op: '>', value: 1, rate: 1 }), 'when: needs exactly one of'],
  [
    temperature({ op: '=', value: 1 }),
    'when.op: must be one of > >= < <= == != for temperature (numeric), not "="',
  ],
  [temperature({ value: 1 }), 'not nothing'],
  [temperature({ op: '>', value: '35' }), 'when.value: must be a number, not "35"'],
  [temperature({ op: '>', value: 200 }), 'when.value: 200 is outside the range of temperature, -40 to 80 °C'],
  [
    temperature({ op: '>', value: 80 }),
    'when: temperature > 80 can never be true: its range is -40 to 80 °C',
  ],
  [temperature({ op: '>', value: 1, withinMs: 5 }), 'when.withinMs: goes with delta only, not with value'],
  [temperature({ op: '>', delta: 200 }), 'when.delta: temperature cannot change by 200'],
  [temperature({ op: '<', delta: 5, withinMs: 1000 }), 'when: with withinMs, a rise is'],
  [
    temperature({ op: '>', delta: 5, withinMs: 0.5 }),
    'when.withinMs: must be a whole number of milliseconds, 1 to 2592000000, not 0.5',
  ],
  [temperature({ op: '>', rate: Infinity }), 'when.rate: must be a number, not Infinity'],
  [temperature({ op: '>', staleFor: 1000 }), 'when.op: is not used with staleFor'],
  [temperature({ staleFor: '1m' }), 'when.staleFor: must be a whole number of milliseconds'],
  [
    { when: { metric: 'running', op: '>', value: true }, do: alert },
    'when.op: must be one of == != for running (binary)',
  ],
  [
    { when: { metric: 'running', op: '==', value: 1 }, do: alert },
    'when.value: must be true or false for running, not 1',
  ],
  [
    { when: { metric: 'mode', op: '==', value: 'off' }, do: alert },
    'when.value: must be one of auto, manual for mode, not "off"',
  ],
  [
    { when: { metric: 'mode', op: '==', delta: 1 }, do: alert },
    'when.delta: needs a numeric metric; mode is enumeration',
  ],
  [{ when: { metric: 'note', op: '==', value: 1 }, do: alert }, 'when.value: must be a text, not 1'],
  [{ when, forMs: -1, do: alert }, 'forMs: must be a whole number of milliseconds'],
  [{ when: { metric: 'temperature', staleFor: 1 }, forMs: 1, do: alert }, 'forMs: does not go with staleFor'],
  [
    { when: { ...when, op: '==' }, hysteresis: 1, do: alert },
    'hysteresis: goes only with the operators > >= < <=',
  ],
  [{ when, hysteresis: -1, do: alert }, 'hysteresis: must not be negative'],
  [
    { when, hysteresis: 90, do: alert },
    'hysteresis: temperature can never come back to -55: its range is -40 to 80 °C',
  ],
  [
    { when: { metric: 'speed', op: '>', delta: 5, withinMs: 9 }, hysteresis: 6, do: alert },
    'hysteresis: must not be more than the delta, 5',
  ],
  [{ when: { all: [when] }, do: alert }, 'when.all: must be a list of 2 to 4 conditions, not [{'],
  [{ when: { any: [when, when, when, when, when] }, do: alert }, 'when.any: must be a list of 2 to 4'],
  [{ when: { all: [when, when], any: [when, when] }, do: alert }, 'when: has no field "any"; it has all'],
  [
    { when: { all: [when, { any: [when, when] }] }, do: alert },
    'when.all[1]: has no field "any"; it has metric, op',
  ],
  [
    { when: { any: [when, { metric: 'temp', op: '>', value: 1 }] }, do: alert },
    'when.any[1].metric: rules-test has no metric "temp"',
  ],
  [
    { when: { any: [when, { ...when, hysteresis: 90 }] }, do: alert },
    'when.any[1].hysteresis: temperature can never come back to -55',
  ],
  [
    { when: { any: [when, when] }, hysteresis: 1, do: alert },
    'hysteresis: belongs into each condition of the group',
  ],
  [{ when, between: '22-6', do: alert }, 'between: must be two times of day such as ["22:00", "06:00"]'],
  [{ when, between: ['22:00', '24:00'], do: alert }, 'between: must be of times from "00:00" to "23:59"'],
  [{ when, between: ['22:00', '22:00'], do: alert }, 'between: must be of two different times'],
  [{ when, days: [], do: alert }, 'days: must be a list of some of mon, tue'],
  [{ when, days: ['mon', 'mon'], do: alert }, 'days: must be a list of some of mon, tue'],
  [{ when, days: ['Monday'], do: alert }, 'days: must be a list of some of mon, tue'],
  [{ when, zone: 'UTC', do: alert }, 'zone: goes with between or days only'],
  [{ when, days: ['mon'], zone: 'Mars/Base', do: alert }, 'zone: must be an IANA time zone such as'],
  [
    { when, forMs: 3_600_000, between: ['23:30', '00:30'], do: alert },
    'forMs: must be shorter than the times of the rule, 3600000 ms, or it never fires',
  ],
  [{ when }, 'do: must be an object with kind, name, argument, text, not nothing'],
  [doing({ kind: 'email' }), 'do.kind: must be one of command, alert, notify, ask, not "email"'],
  [doing({ kind: 'alert', text: ' ' }), 'do.text: must be a text'],
  [doing({ kind: 'alert', text: 'é'.repeat(600) }), 'do.text: has 1200 bytes; at most 1024 are allowed'],
  [doing({ kind: 'alert', text: 'a', name: 'vent' }), 'do: has no field "name"; it has kind, text'],
  [
    doing({ kind: 'command', name: 'fan' }),
    'do.name: rules-test has no command "fan"; it has vent, set-target, stop',
  ],
  [doing({ kind: 'command', name: 'vent', argument: 'ajar' }), 'do.argument: '],
  [doing({ kind: 'command', name: 'set-target', argument: 90 }), 'do.argument: '],
  [doing({ kind: 'command', name: 'stop', argument: 1 }), 'do.argument: stop takes no argument'],
];

const descriptions: readonly (readonly [input: Record<string, unknown>, description: string])[] = [
  [
    { when, forMs: 10_000, do: { kind: 'command', name: 'vent', argument: 'open' } },
    'when temperature is above 35 °C for 10 s: send vent open',
  ],
  [
    { when: { metric: 'temperature', op: '>=', value: 30.3 }, hysteresis: 0.1 },
    'when temperature is at least 30.3 °C (again once it was at most 30.2 °C): alert "look"',
  ],
  [
    {
      when: { metric: 'temperature', op: '<', value: 5 },
      hysteresis: 2,
      do: { kind: 'command', name: 'set-target', argument: 21 },
    },
    'when temperature is below 5 °C (again once it was at least 7 °C): send set-target 21 °C',
  ],
  [
    {
      when: {
        all: [
          { ...when, hysteresis: 2 },
          { metric: 'speed', staleFor: 90_000 },
        ],
      },
      forMs: 10_000,
      between: ['22:00', '06:00'],
      days: ['fri', 'mon'],
      zone: 'europe/berlin',
    },
    'when temperature is above 35 °C (again once it was at most 33 °C) and no speed comes for 1 min 30 s, both for 10 s, between 22:00 and 06:00 on mon, fri (Europe/Berlin): alert "look"',
  ],
  [
    {
      when: { any: [when, { metric: 'speed', op: '<', delta: -5 }] },
      forMs: 1000,
      days: ['sat'],
      zone: 'UTC',
    },
    'when temperature is above 35 °C or speed falls by more than 5 from one sample to the next, at least one of them for 1 s, on sat (UTC): alert "look"',
  ],
  [
    { when: { metric: 'running', op: '==', value: false }, do: { kind: 'command', name: 'stop' } },
    'when running is false: send stop',
  ],
  [
    { when: { metric: 'mode', op: '!=', value: 'auto' }, do: { kind: 'notify', text: 'manual now' } },
    'when mode is not auto: notify "manual now"',
  ],
  [
    { when: { metric: 'temperature', op: '>', delta: 5, withinMs: 90_000 } },
    'when temperature rises by more than 5 °C within 1 min 30 s: alert "look"',
  ],
  [
    { when: { metric: 'temperature', op: '<=', delta: -5 }, hysteresis: 1 },
    'when temperature falls by at least 5 °C from one sample to the next (again once that came back by 1 °C): alert "look"',
  ],
  [
    { when: { metric: 'speed', op: '!=', delta: 0 } },
    'when speed changes from one sample to the next: alert "look"',
  ],
  [
    { when: { metric: 'speed', op: '<', delta: 3 } },
    'when speed changes by less than 3 from one sample to the next: alert "look"',
  ],
  [
    { when: { metric: 'temperature', op: '<', rate: -0.5 }, forMs: 3_600_500 },
    'when temperature falls by more than 0.5 °C per second for 1 h 500 ms: alert "look"',
  ],
  [
    { when: { metric: 'temperature', staleFor: 60_000 } },
    'when no temperature comes for 1 min: alert "look"',
  ],
];

describe('parseRule', () => {
  it.each(mistakes)('refuses %j with BRG_RULE', (input, message) => {
    const parse = (): unknown => parseRule(input, definition);
    expect(parse).toThrow(
      expect.objectContaining({ code: 'BRG_RULE', message: expect.stringContaining(message) as string }),
    );
  });

  it('returns an equal rule for what it returned, without empty options', () => {
    const parsed = parseRule({ when, forMs: 0, hysteresis: 0, do: alert }, definition, () => 'made');
    expect(parsed).toEqual({ id: 'made', when, do: alert });
    expect(parseRule(JSON.parse(JSON.stringify(parsed)), definition)).toEqual(parsed);
  });

  it('gives a rule without an id one that it accepts itself', () => {
    const { id } = parseRule({ when, do: alert }, definition);
    expect(parseRule({ id, when, do: alert }, definition).id).toBe(id);
  });

  it('leaves out the argument of a command that takes none', () => {
    expect(rule({ when, do: { kind: 'command', name: 'stop' } }).do).toEqual({
      kind: 'command',
      name: 'stop',
    });
  });

  it('accepts every rule of the shipped models', () => {
    const parsed = definitions.flatMap((model) => model.rules.map((input) => parseRule(input, model)));
    expect(parsed.length).toBeGreaterThan(0);
  });
});

describe('describeRule', () => {
  it.each(descriptions)('says %j in words', (input, description) => {
    expect(describeRule(rule(input), definition)).toBe(description);
  });
});

describe('docs/rules.md', () => {
  const page = readFileSync(new URL('../../../docs/rules.md', import.meta.url), 'utf8').replaceAll(
    /\s+/g,
    ' ',
  );

  it('shows only rules that a shipped model accepts', () => {
    const shown = [...page.matchAll(/\{ ?"when".*?\} ?\}/g)].map(([json]): unknown => JSON.parse(json));
    expect(shown.length).toBeGreaterThan(4);
    for (const input of shown) {
      const accepting = definitions.filter((model) => {
        try {
          return parseRule(input, model);
        } catch {
          return false; // another model may know the metric
        }
      });
      expect(accepting, JSON.stringify(input)).not.toEqual([]);
    }
  });

  it('states the limits as they are', () => {
    const DAY_MS = 24 * 3_600_000;
    expect(page).toContain(`At most ${limits.ruleFiringsPerMinuteMax} firings of a rule in any minute`);
    expect(page).toContain(`come for ${limits.ruleClockStepMs / 1000} s, the device's clock was set back`);
    expect(page).toContain(`the last ${limits.ruleDryRunMs / DAY_MS} days of stored history`);
    expect(page).toContain(`\`times\` are the newest ${limits.ruleDryRunTimesMax}, in ms`);
    expect(page).toContain(`in steps of ${limits.ruleDryRunStepMs / 1000} s`);
    expect(page).toContain(`(below ${limits.ruleConfidenceMin} it is not understood)`);
    expect(page).toContain(
      `at most ${limits.ruleWaitMsMax / DAY_MS} days; texts at most ${limits.ruleTextBytesMax / 1024} KiB`,
    );
    expect(page).toContain(`at most ${limits.ruleWindowPointsMax + 1} points`);
    expect(page).toContain(`1 to ${limits.ruleIdBytesMax} of letters`);
  });
});
