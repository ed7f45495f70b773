/** What is understood of English, and what is not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { definitions } from '../../../devices/index.ts';
import { readSentence } from '../../../src/agent/rules/grammar/sentence.ts';
import { describeRule, parseRule } from '../../../src/agent/rules/index.ts';
import { DAYS } from '../../../src/agent/rules/rule.ts';
import type { DeviceDefinition } from '../../../src/device/index.ts';
import { rulesOf } from './any-rule.ts';
import { definition as everything } from './harness.ts';

const model = (name: string): DeviceDefinition => {
  const found = definitions.find((one) => one.model === name);
  if (found === undefined) throw new Error(`no model ${name}`);
  return found;
};

/** `when` and what else the rule has but for `do`, of the metrics' first letters. */
const NAMES: Readonly<Record<string, string>> = {
  t: 'temperature',
  h: 'humidity',
  v: 'vibration',
  p: 'pressure',
  r: 'rpm',
};
const c = (short: string): object => {
  const [, name = '', op = '', value] = /^(\w+)(>=|<=|==|!=|>|<|~)(.+)$/.exec(short) ?? [];
  const metric = NAMES[name] ?? name;
  if (op === '~') return { metric, staleFor: Number(value) };
  return {
    metric,
    op,
    value: /^(?:true|false|-?[\d.]+)$/.test(value ?? '') ? JSON.parse(value ?? '') : value,
  };
};
const notify = { kind: 'notify' };
const STOP = { kind: 'command', name: 'stop' };
const OPEN = { kind: 'command', name: 'vent', argument: 'open' };
const night = { between: ['22:00', '06:00'] };

const understood: readonly (readonly [model: string, sentence: string, rule: object])[] = [
  [
    'pump',
    'stop the pump if vibration stays above 7 for 10 seconds',
    { when: c('v>7'), forMs: 10_000, do: STOP },
  ],
  ['pump', 'Stop the pump when vibration exceeds 7.1 mm/s.', { when: c('v>7.1'), do: STOP }],
  ['pump', 'please stop as soon as rpm is 3,000 or more', { when: c('r>=3000'), do: STOP }],
  [
    'pump',
    'when no data comes for 10 minutes, alert',
    { when: { all: ['v', 'p', 'r', 'running'].map((m) => c(`${m}~600000`)) }, do: { kind: 'alert' } },
  ],
  [
    'pump',
    'alert me if no vibration data arrives for an hour',
    { when: c('v~3600000'), do: { kind: 'alert' } },
  ],
  [
    'pump',
    'if the pressure has not been received for 90 s, warn us',
    { when: c('p~90000'), do: { kind: 'alert' } },
  ],
  [
    'pump',
    'when vibration is above 5 and pressure is below 2 bar for 30 seconds, stop the pump',
    { when: { all: [c('v>5'), c('p<2')] }, forMs: 30_000, do: STOP },
  ],
  [
    'pump',
    'stop when pressure drops below 1 or rises above 10',
    { when: { any: [c('p<1'), c('p>10')] }, do: STOP },
  ],
  [
    'pump',
    'stop when either vibration is above 9 or the pump is not running',
    { when: { any: [c('v>9'), c('running==false')] }, do: STOP },
  ],
  ['pump', 'notify me when the pump is running', { when: c('running==true'), do: notify }],
  [
    'pump',
    'tell me when pressure is between 2 and 3 bar',
    { when: { all: [c('p>=2'), c('p<=3')] }, do: notify },
  ],
  [
    'pump',
    'alert me if pressure is outside 2 to 3 bar',
    { when: { any: [c('p<2'), c('p>3')] }, do: { kind: 'alert' } },
  ],
  [
    'pump',
    'alert leaking when pressure falls by more than 0.5 bar per second',
    { when: { metric: 'pressure', op: '<', rate: -0.5 }, do: { kind: 'alert', text: 'leaking' } },
  ],
  [
    'pump',
    'alert if pressure falls by at least 6 bar per minute',
    { when: { metric: 'pressure', op: '<=', rate: -0.1 }, do: { kind: 'alert' } },
  ],
  [
    'greenhouse',
    'when temperature rises by more than 5 within 10 minutes, notify me that it gets hot',
    {
      when: { metric: 'temperature', op: '>', delta: 5, withinMs: 600_000 },
      do: { kind: 'notify', text: 'it gets hot' },
    },
  ],
  [
    'greenhouse',
    'notify me if temperature changes by more than 5 degrees in half an hour',
    {
      when: {
        any: [
          { metric: 'temperature', op: '>', delta: 5, withinMs: 1_800_000 },
          { metric: 'temperature', op: '<', delta: -5, withinMs: 1_800_000 },
        ],
      },
      do: notify,
    },
  ],
  [
    'greenhouse',
    'open the vent when temperature is above 35 until it is back at 33',
    { when: c('t>35'), hysteresis: 2, do: OPEN },
  ],
  [
    'greenhouse',
    'open the vent when temperature is above 35 with a hysteresis of 2 degrees',
    { when: c('t>35'), hysteresis: 2, do: OPEN },
  ],
  [
    'greenhouse',
    'open the vent if temperature is over 35 until it falls below 33 and humidity is over 80',
    { when: { all: [{ ...c('t>35'), hysteresis: 2 }, c('h>80')] }, do: OPEN },
  ],
  [
    'greenhouse',
    'between 10 pm and 6 am, open the vent when temperature is above 30',
    { when: c('t>30'), ...night, do: OPEN },
  ],
  [
    'greenhouse',
    'open the vent between 22:00 and 6 am if temperature is above 30',
    { when: c('t>30'), ...night, do: OPEN },
  ],
  [
    'greenhouse',
    'when temperature is above 30 between 10 pm and 6 am on weekdays, open the vent',
    { when: c('t>30'), ...night, days: DAYS.slice(0, 5), do: OPEN },
  ],
  ['greenhouse', 'when temperature is above 30, open the vent, but not at night', {}],
  [
    'greenhouse',
    'on saturdays and sundays after noon open the vent when humidity is at least 90 percent for 1 hour and 30 minutes',
    { when: c('h>=90'), forMs: 5_400_000, days: ['sat', 'sun'], between: ['12:00', '00:00'], do: OPEN },
  ],
  [
    'greenhouse',
    'monday to friday before 8:30 am in Europe/Berlin, notify me when temperature is under minus two',
    {
      when: c('t<-2'),
      days: DAYS.slice(0, 5),
      between: ['00:00', '08:30'],
      zone: 'Europe/Berlin',
      do: notify,
    },
  ],
  [
    'thermostat',
    'set the target to 18.5 °C when heating is off for two hours',
    {
      when: c('heating==false'),
      forMs: 7_200_000,
      do: { kind: 'command', name: 'set-target', argument: 18.5 },
    },
  ],
  [
    'tracker',
    'alert "gone" when no latitude comes for a day',
    { when: c('latitude~86400000'), do: { kind: 'alert', text: 'gone' } },
  ],
  [
    'tracker',
    'ask "is it stolen?" when speed is above 130 km/h',
    { when: c('speed>130'), do: { kind: 'ask', text: 'is it stolen?' } },
  ],
  [
    'energy-meter',
    'switch the relay off if power stays over 3000 watts for five minutes',
    { when: c('power>3000'), forMs: 300_000, do: { kind: 'command', name: 'relay', argument: 'off' } },
  ],
].filter(([, , rule]) => Object.keys(rule as object).length > 0) as [string, string, object][];

/** Each has a word or a meaning that a rule has no place for. */
const refused: readonly (readonly [model: string, sentence: string])[] = [
  ['greenhouse', 'when temperature is above 30, open the vent, but not at night'],
  ['greenhouse', 'when temperature is above 30, do not open the vent'],
  ['greenhouse', 'when temperature is above 30, notify me unless it is Sunday'],
  ['greenhouse', 'when temperature is above 30, notify me and open the vent'],
  ['greenhouse', 'when temperature is above 30, alert too hot and open the vent'],
  ['greenhouse', 'when temperature is above 30, open the vent until it is back at 25'],
  ['greenhouse', 'when temperature is above 30, open the vent in ten minutes'],
  ['greenhouse', 'when temperature is above 30 for a while, open the vent'],
  ['greenhouse', 'when temperature is above 30 for 10 minutes and humidity is above 50, open the vent'],
  [
    'greenhouse',
    'when temperature is above 30 and humidity is above 50 or battery is below 10, open the vent',
  ],
  ['greenhouse', 'when temperature is above 30 bar, open the vent'],
  ['greenhouse', 'when temperature is above 30 °F, open the vent'],
  ['greenhouse', 'when temperature goes up to 30, open the vent'],
  ['greenhouse', 'when temperature is above 30 until it is back at 35, open the vent'],
  ['greenhouse', 'when temperature is above 30 between 10 and 6, open the vent'],
  ['greenhouse', 'when temperature is above 30 between 25:00 and 6 am, open the vent'],
  ['greenhouse', 'between 10 pm and 6 am, open the vent when temperature is above 30 between 1 am and 2 am'],
  ['greenhouse', 'when it is above 30, open the vent'],
  ['greenhouse', 'when the temperature outside is above 30, open the vent'],
  ['greenhouse', 'open the vent'],
  ['greenhouse', 'temperature'],
  ['greenhouse', ''],
  ['pump', 'when the other pump is running, stop'],
  ['pump', 'stop the pump when nothing'],
];

describe('a sentence', () => {
  it.each(understood)('for a %s: %s', (name, sentence, rule) => {
    const rules = readSentence(sentence, model(name), [name, 'g7']);
    expect(rules).toMatchObject([rule]);
    expect(Object.keys(rules[0] ?? {}).sort()).toEqual(Object.keys(rule).sort());
    expect(rules.map((one) => parseRule(one, model(name)))).toHaveLength(1);
  });

  it.each(refused)('is not understood for a %s: %s', (name, sentence) => {
    expect(readSentence(sentence, model(name), [name, 'g7'])).toEqual([]);
  });

  it('is read in bounded time, whatever it is', () => {
    const words =
      'when if and or the no is above 30 for 5 min between 10 pm , : alert " temperature not until at'.split(
        ' ',
      );
    const sentence = fc.array(fc.constantFrom(...words), { maxLength: 80 }).map((list) => list.join(' '));
    fc.assert(
      fc.property(sentence, (text) => {
        const before = process.cpuUsage().user;
        readSentence(text, model('greenhouse'), ['g7']);
        expect(process.cpuUsage().user - before).toBeLessThan(500_000);
      }),
      { numRuns: 100 },
    );
  });
});

it('a text that looks like a number is described in quotes, and understood again', () => {
  const rule = parseRule(
    {
      id: 'r',
      when: {
        all: [
          { metric: 'temperature', op: '>', value: 5 },
          { metric: 'note', op: '==', value: '0A' },
        ],
      },
      do: { kind: 'alert', text: '!' },
    },
    everything,
  );
  const said = describeRule(rule, everything);
  expect(said).toContain('note is "0A"');
  const found = readSentence(said, everything, [everything.model, 'g7']);
  expect(found.map((one) => parseRule({ id: 'r', ...one }, everything))).toEqual([rule]);
});

describe.each([...definitions, everything].map((one) => [one.model, one] as const))(
  'of a %s',
  (_, definition) => {
    it('any rule, as it is described, is understood as that rule', () => {
      const checked = rulesOf(definition).filter((rule) => describeRule(rule, definition).length <= 500);
      fc.assert(
        fc.property(checked, (rule) => {
          const said = describeRule(rule, definition);
          const found = readSentence(said, definition, [definition.model, 'g7']);
          expect(
            found.map((one) => parseRule({ id: 'r', ...one }, definition)),
            said,
          ).toEqual([rule]);
        }),
        { numRuns: 40 },
      );
    });
  },
);
