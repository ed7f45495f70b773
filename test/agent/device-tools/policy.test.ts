/** The policy's decisions, the sentences, and what the tools of the shipped models cost in a prompt. */
import { describe, expect, test } from 'vitest';
import pump from '../../../devices/pump.ts';
import energyMeter from '../../../devices/energy-meter.ts';
import greenhouse from '../../../devices/greenhouse.ts';
import thermostat from '../../../devices/thermostat.ts';
import {
  decide,
  NO_USE,
  used,
  type ActionTarget,
  type Usage,
} from '../../../src/agent/device-tools/policy.ts';
import { DeviceAgent, sortClasses } from '../../../src/agent/index.ts';
import { deedOf } from '../../../src/agent/device-tools/phrases.ts';
import { ruleFromSentence } from '../../../src/agent/device-tools/rule-sentence.ts';
import { scheduleFromSentence } from '../../../src/agent/device-tools/schedule-sentence.ts';
import {
  commandProperties,
  describeCommands,
  valueSchema,
} from '../../../src/agent/device-tools/value-schema.ts';
import { defineDevice, numeric, type DevicePolicy } from '../../../src/device/index.ts';

const vent: ActionTarget = { kind: 'commands', name: 'vent', value: 'open' };

function answer(policy: DevicePolicy, at: string, uses: readonly string[] = [], isApproved = true): string {
  const rules = { policy, action: policy.commands?.['vent'] ?? {} };
  const count = (usage: Usage, time: string): Usage => used(usage, rules, Date.parse(time));
  const usage = uses.reduce(count, NO_USE);
  const moment = { kind: 'now', atMs: Date.parse(at) } as const;
  const decision = decide(vent, rules, usage, usage, moment, isApproved);
  return decision.decision === 'allow' ? 'allow' : `${decision.decision}: ${decision.explanation}`;
}

test('without a policy an actuator needs approval, and a word to people does not', () => {
  expect(answer({}, '2026-05-04T12:00:00Z', [], false)).toMatch(/^needs-approval/);
  const notify = { kind: 'tools', name: 'notify', value: null } as const;
  const moment = { kind: 'now', atMs: 0 } as const;
  expect(decide(notify, { policy: {}, action: {} }, NO_USE, NO_USE, moment, false)).toEqual({
    decision: 'allow',
  });
});

test('quiet hours are those of the time zone, over midnight and through summer time, approved or not', () => {
  const policy = { timeZone: 'Europe/Berlin', quietHours: { from: '22:00', to: '06:00' } };
  const cases = {
    '2026-01-10T20:59Z': 'allow',
    '2026-01-10T21:00Z': 'refuse',
    '2026-07-10T20:00Z': 'refuse',
  };
  for (const [at, said] of Object.entries(cases)) expect(answer(policy, at)).toMatch(new RegExp(`^${said}`));
  expect(answer(policy, '2026-07-10T03:59Z')).toContain('in quiet hours, 22:00 to 06:00 (Europe/Berlin)');
  expect(answer(policy, '2026-07-10T04:00Z')).toBe('allow');
  const own = { ...policy, commands: { vent: { quietHours: false } } } as const;
  expect(answer(own, '2026-01-10T23:00Z')).toBe('allow');
});

test('a rate is of any such period, and a clock that was set back does not stop the device for long', () => {
  const policy = { commands: { vent: { rate: { max: 2, perSeconds: 60 } } } };
  const uses = ['2026-01-01T12:00:00Z', '2026-01-01T12:00:50Z'];
  expect(answer(policy, '2026-01-01T12:00:55Z', uses)).toContain(
    'at most 2 in 60 s; the next is possible in 5 s',
  );
  expect(answer(policy, '2026-01-01T12:01:01Z', uses)).toBe('allow');
  expect(answer(policy, '2025-12-31T12:00:00Z', uses)).toBe('allow');
});

test('a budget begins again at midnight of the time zone', () => {
  for (const policy of [
    { timeZone: 'Asia/Tokyo', commands: { vent: { perDayMax: 1 } } },
    { timeZone: 'Asia/Tokyo', perDayMax: 1 },
  ]) {
    const uses = ['2026-01-01T14:00:00Z'];
    expect(answer(policy, '2026-01-01T14:59:00Z', uses)).toMatch(
      /^refuse: .* of 1 .*a day is spent; .*midnight/,
    );
    expect(answer(policy, '2026-01-01T15:00:00Z', uses)).toBe('allow');
  }
});

test.each<[DevicePolicy | object, RegExp]>([
  [{ commands: { vnet: {} } }, /policy.commands names "vnet"; allowed is nothing/],
  [{ desired: { x: { allow: 3 } } }, /policy.desired.x.allow is 3/],
  [{ quietHours: { from: '24:00', to: '6' } }, /quietHours.from is "24:00"; allowed is a time of day/],
  [{ timeZone: 'Mars' }, /IANA name/],
  [{ desired: { x: { rate: { max: 1e9, perSeconds: 1 } } } }, /rate.max/],
  [{ dayMax: 1 }, /unknown key "dayMax"/],
])('a policy that is wrong is refused with the definition: %j', (policy, reason) => {
  const define = (): unknown =>
    defineDevice({
      model: 'm',
      description: 'm',
      metrics: [numeric('x', { access: 'readwrite' })],
      policy,
      sample: { x: 1 },
    });
  expect(define).toThrow(reason);
});

test('a static policy that is wrong is found when the bridge starts', () => {
  class Wrong extends DeviceAgent {
    static policy = { commands: { stpo: { allow: true } } };
  }
  const start = (): unknown => sortClasses([pump], { 'pump-agent': Wrong });
  expect(start).toThrow(
    'agent "pump-agent" of device "pump": static policy.commands names "stpo"; allowed is start, stop',
  );
});

describe('sentences', () => {
  test.each([
    [pump, 'turn off the pump', { command: 'stop', value: null }],
    [pump, 'start p1', { command: 'start', value: null }],
    [greenhouse, 'open the vent', { command: 'vent', value: 'open' }],
    [greenhouse, 'close the vent', { command: 'vent', value: 'closed' }],
    [energyMeter, 'switch the relay off', { command: 'relay', value: 'off' }],
    [thermostat, 'set the target to 21.5 °C', { command: 'set-target', value: 21.5 }],
    [pump, 'do not stop', undefined],
    [pump, 'stop the other pump', undefined],
    [greenhouse, 'open', undefined],
    [energyMeter, 'relay', undefined],
    [thermostat, 'target', undefined],
  ])('%#: %s', (definition, phrase, deed) => {
    expect(deedOf(phrase, definition, [definition.model, 'p1'])).toEqual(deed);
  });

  test.each([
    [
      greenhouse,
      'when temperature is above 30 °C for 5 minutes, open the vent',
      {
        when: { metric: 'temperature', op: '>', value: 30 },
        forMs: 300_000,
        do: { kind: 'command', name: 'vent', argument: 'open' },
      },
    ],
    [
      greenhouse,
      'Close the vent when temperature drops below five.',
      {
        when: { metric: 'temperature', op: '<', value: 5 },
        do: { kind: 'command', name: 'vent', argument: 'closed' },
      },
    ],
    [
      pump,
      'whenever running is off notify me that the pump stands still',
      {
        when: { metric: 'running', op: '==', value: false },
        do: { kind: 'notify', text: 'the pump stands still' },
      },
    ],
  ])('%#: %s', (definition, text, rule) => {
    expect(ruleFromSentence(text, definition, [definition.model])).toEqual(rule);
  });

  test.each([
    'when it is below 5 stop',
    'when pressure is not above',
    'stop when the boss says so',
    'when rpm is above 5, do not stop',
  ])('no rule is made of "%s"', (text) => {
    expect(() => ruleFromSentence(text, pump, ['pump'])).toThrow('not understood as a whole');
  });

  test.each([
    ['turn off the pump in ten minutes', 'stop', { kind: 'delay', seconds: 600 }],
    ['in half an hour start', undefined, undefined],
    ['in 90s, start the pump', 'start', { kind: 'delay', seconds: 90 }],
    ['stop at 6:30 pm', 'stop', { kind: 'clock', cron: '30 18 * * *', isOnce: true }],
    ['every day at 7 start', 'start', { kind: 'clock', cron: '0 7 * * *', isOnce: false }],
    ['stop at 25:00', undefined, undefined],
    ['stop', undefined, undefined],
  ])('for later: %s', (text, command, time) => {
    if (command === undefined)
      expect(() => scheduleFromSentence(text, pump, ['pump'])).toThrow('nothing is scheduled');
    else expect(scheduleFromSentence(text, pump, ['pump'])).toEqual({ deed: { command, value: null }, time });
  });
});

test('one tool for all commands is a smaller prompt than one for each, from two commands on', () => {
  const about = 'Tells the device to do something now: . Only outcome "done" means that it was done.';
  const closed = { type: 'object', additionalProperties: false };
  const { commands } = pump;
  const one = JSON.stringify([
    {
      name: 'send_command',
      description: about + describeCommands(commands),
      inputSchema: { ...closed, properties: commandProperties(commands), required: ['command'] },
    },
  ]);
  const each = JSON.stringify(
    commands.map(({ name, argument, description }) => {
      const properties = argument === null ? {} : { value: valueSchema(argument) };
      return { name, description: about + (description ?? ''), inputSchema: { ...closed, properties } };
    }),
  );
  expect(one.length).toBeLessThan(each.length);
});
