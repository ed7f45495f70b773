/** Questions about many devices, asked of the rules: the one call that each becomes, and its answer in words. */
import { describe, expect, it } from 'vitest';
import { ask, tool, type Options } from '../support/rules-asking.ts';

const TOOLS = [
  'fleet_overview',
  'fleet_search',
  'fleet_compare',
  'fleet_groups',
  'device_tool',
  'ask_device',
].map((name) => tool(name, { group: { type: 'string' } }));
const SYSTEM = `You are fleet all. You speak for all devices.
Models and what they measure:
- greenhouse: temperature °C, humidity %, battery %
- pump: vibration mm/s, pressure bar, rpm, running true|false
- energy-meter: power W, mode eco|comfort
- tracker: latitude °, speed km/h, battery %
State: null`;

describe('the rules understand of a fleet', () => {
  it.each<[string, unknown]>([
    ['how many are online?', { fleet_overview: {} }],
    ['How many devices are there?', { fleet_overview: {} }],
    ['how many pumps are offline', { fleet_overview: {} }],
    ['how many devices do we have by model', { fleet_overview: {} }],
    ['what is the number of greenhouses in the group hot?', { fleet_overview: { group: 'hot' } }],
    ['what needs attention?', { fleet_overview: {} }],
    ['is everything ok?', { fleet_overview: {} }],
    ['any problems?', { fleet_overview: {} }],
    ['how many have been silent for an hour', { fleet_search: { silent_minutes: 60, limit: 1 } }],
    ['which devices are silent', { fleet_search: { silent_minutes: 15, limit: 20 } }],
    [
      "which pumps haven't reported for 2 days?",
      { fleet_search: { model: 'pump', silent_minutes: 2880, limit: 20 } },
    ],
    ['list by model', { fleet_overview: {} }],
    ['list pumps', { fleet_search: { model: 'pump', limit: 20 } }],
    ['show me all energy meters', { fleet_search: { model: 'energy-meter', limit: 20 } }],
    ['which are offline?', { fleet_search: { presence: 'offline', limit: 20 } }],
    ['offline trackers', { fleet_search: { model: 'tracker', presence: 'offline', limit: 20 } }],
    ['which have never connected', { fleet_search: { presence: 'never', limit: 20 } }],
    [
      'Which greenhouses are above 30 °C?',
      { fleet_search: { model: 'greenhouse', metric: 'temperature', op: '>', value: 30, limit: 20 } },
    ],
    [
      'which greenhouses have a temperature below 4.5 degrees',
      { fleet_search: { model: 'greenhouse', metric: 'temperature', op: '<', value: 4.5, limit: 20 } },
    ],
    ['which are hotter than 30', { fleet_search: { metric: 'temperature', op: '>', value: 30, limit: 20 } }],
    ['how many are at least 5 mm/s', { fleet_search: { metric: 'vibration', op: '>=', value: 5, limit: 1 } }],
    [
      'list online pumps with vibration over 7',
      {
        fleet_search: {
          model: 'pump',
          presence: 'online',
          metric: 'vibration',
          op: '>',
          value: 7,
          limit: 20,
        },
      },
    ],
    [
      'which pumps are running',
      { fleet_search: { model: 'pump', metric: 'running', op: '=', value: true, limit: 20 } },
    ],
    [
      'which pumps are not running',
      { fleet_search: { model: 'pump', metric: 'running', op: '=', value: false, limit: 20 } },
    ],
    ['how many are in eco', { fleet_search: { metric: 'mode', op: '=', value: 'eco', limit: 1 } }],
    ['warmest greenhouse', { fleet_compare: { model: 'greenhouse', metric: 'temperature' } }],
    ['what is the highest vibration?', { fleet_compare: { metric: 'vibration' } }],
    ['average humidity of the greenhouses', { fleet_compare: { model: 'greenhouse', metric: 'humidity' } }],
    ['how warm are the greenhouses?', { fleet_compare: { model: 'greenhouse', metric: 'temperature' } }],
    ['list groups', { fleet_groups: { action: 'list' } }],
    ['is pump/p1 online?', { fleet_search: { text: 'pump/p1' } }],
    [
      'what is the temperature of greenhouse/g3?',
      { ask_device: { device: 'greenhouse/g3', question: 'what is the temperature?' } },
    ],
    ['ask pump/p1 how fast it is', { ask_device: { device: 'pump/p1', question: 'how fast it is' } }],
    ['stop pump/p-1.a.', { ask_device: { device: 'pump/p-1.a', question: 'stop.' } }],
  ])('"%s"', async (text, call) => {
    expect(await ask(text, TOOLS, SYSTEM)).toEqual(call);
  });

  it.each<[string, RegExp]>([
    [
      'which are above 30?',
      /^Not understood: it does not say which metric is meant; measured here: temperature, /,
    ],
    ['which are above 30 %', /which metric is meant/],
    ['how many are not online', /^Not understood/],
    ['how many are online and warm in the cellar', /^Not understood/],
    ['stop all pumps', /^Not (?:understood|done)/],
    ['which pumps were running yesterday', /^Not understood/],
    ['silent for a fortnight', /no time the rules know/],
    ['what can you do', /^Understood are questions such as "how many are online".*"stop pump\/p1"\.$/],
  ])('nothing of "%s", and say so', async (text, why) => {
    expect(await ask(text, TOOLS, SYSTEM)).toMatch(why);
  });
});

describe('the rules tell of a fleet', () => {
  const overview = {
    models: { greenhouse: { online: 4, offline: 1, never: 0 }, pump: { online: 2, offline: 0, never: 1 } },
    attention: { alert: 2, offline: 1 },
  };
  const rows = [
    {
      device: 'greenhouse/g1',
      presence: 'offline',
      lastContact: '2026-01-01T11:00:00.000Z',
      values: { temperature: 31 },
    },
    { device: 'greenhouse/g10', presence: 'online', lastContact: null, values: { temperature: 33 } },
  ];
  const found = { matching: 9, devices: rows };
  const ends = {
    devices: 12,
    min: 20,
    mean: 25.5,
    max: 31,
    highest: [{ device: 'greenhouse/g11', value: 31 }],
    lowest: [{ device: 'greenhouse/g0', value: 20 }],
  };

  it.each<[string, string, unknown, string]>([
    ['how many are online?', 'fleet_overview', overview, '6 of 8 devices are online (greenhouse 4, pump 2).'],
    ['how many pumps are offline', 'fleet_overview', overview, '0 of 3 pump devices are offline.'],
    [
      'how many have never connected',
      'fleet_overview',
      overview,
      '1 of 8 devices has never connected (pump 1).',
    ],
    [
      'how many devices are there',
      'fleet_overview',
      overview,
      '8 devices: 6 online, 1 offline, 1 never connected. By model: greenhouse 5, pump 3.',
    ],
    ['any alerts?', 'fleet_overview', overview, 'Needs attention: 2 alerts, 1 devices that went offline.'],
    ['everything fine?', 'fleet_overview', { ...overview, attention: {} }, 'Nothing needs attention.'],
    ['how many are above 30 °C', 'fleet_search', found, '9 devices with temperature > 30.'],
    [
      'which greenhouses are above 30 °C',
      'fleet_search',
      found,
      '9 greenhouse devices with temperature > 30: greenhouse/g1 31, greenhouse/g10 33, and 7 more.',
    ],
    [
      'which are offline',
      'fleet_search',
      { matching: 1, devices: rows.slice(0, 1), partial: 'only the first were looked at' },
      '1 device offline: greenhouse/g1 (last heard 2026-01-01T11:00:00.000Z). (only the first were looked at)',
    ],
    [
      'is greenhouse/g1 online',
      'fleet_search',
      found,
      'greenhouse/g1 is offline, last heard 2026-01-01T11:00:00.000Z.',
    ],
    ['is greenhouse/g7 online', 'fleet_search', found, 'There is no device greenhouse/g7.'],
    [
      'which are silent',
      'fleet_search',
      { matching: 0, devices: [] },
      '0 devices silent for 15 min or more.',
    ],
    [
      'warmest greenhouse',
      'fleet_compare',
      ends,
      'Highest temperature of 12 greenhouse devices: greenhouse/g11 31.',
    ],
    ['mean temperature', 'fleet_compare', ends, 'Mean temperature of 12 devices: 25.5.'],
    [
      'how warm are the greenhouses',
      'fleet_compare',
      ends,
      'temperature of 12 greenhouse devices: from 20 (greenhouse/g0) to 31 (greenhouse/g11), mean 25.5.',
    ],
    ['lowest vibration', 'fleet_compare', { devices: 0 }, 'No device has said a number for vibration.'],
    [
      'how warm is greenhouse/g1',
      'ask_device',
      {
        device: 'greenhouse/g1',
        text: 'No language model is configured; this is the rules engine. temperature: 31',
        finish: 'done',
      },
      'greenhouse/g1: temperature: 31',
    ],
  ])('"%s": %s', async (text, name, value, said) => {
    const output = { type: 'json', value: value as never } as const;
    const prompt: Options['prompt'] = [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: [{ type: 'text', text }] },
      { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c1', toolName: name, output }] },
    ];
    expect(await ask(text, TOOLS, SYSTEM, { prompt })).toBe(said);
  });
});
