/** Reads the sentences written by hand; hand-written.txt says how their rules are noted. */
import { readFileSync } from 'node:fs';
import { definitions } from '../devices/index.ts';
import {
  binary,
  command,
  defineDevice,
  enumeration,
  numeric,
  type DeviceDefinition,
} from '../src/device/index.ts';
import type { ActionJson, ConditionJson, RuleJson } from '../src/agent/rules/translator/answer-rule.ts';

export interface GoldSentence {
  readonly device: DeviceDefinition;
  readonly sentence: string;
  /** Undefined: not a rule. */
  readonly rule: RuleJson | undefined;
}

/** Devices of the hand-written sentences that Mooring does not ship; the generator does not know them. */
const others: readonly DeviceDefinition[] = [
  defineDevice({
    model: 'fridge',
    description: 'Fridge',
    metrics: [
      numeric('temperature', { unit: '°C', min: -30, max: 40 }),
      binary('door-open'),
      binary('compressor'),
    ],
    commands: [
      command('alarm', { argument: { kind: 'enumeration', values: ['on', 'off'] } }),
      command('setpoint', { argument: { kind: 'numeric', unit: '°C', min: -25, max: 10 } }),
      command('defrost'),
    ],
    sample: { temperature: 5, 'door-open': false, compressor: true },
  }),
  defineDevice({
    model: 'tank',
    description: 'Water tank',
    metrics: [
      numeric('level', { unit: '%', min: 0, max: 100 }),
      numeric('flow', { unit: 'l/min', min: 0, max: 100 }),
      enumeration('valve-state', { values: ['open', 'closed', 'stuck'] }),
    ],
    commands: [
      command('valve', { argument: { kind: 'enumeration', values: ['open', 'closed'] } }),
      command('refill'),
    ],
    sample: { level: 50, flow: 2, 'valve-state': 'open' },
  }),
  defineDevice({
    model: 'charger',
    description: 'Charging station of a car',
    metrics: [
      numeric('power', { unit: 'kW', min: 0, max: 22 }),
      numeric('grid-voltage', { unit: 'V', min: 0, max: 500 }),
      numeric('cable-temperature', { unit: '°C', min: -40, max: 150 }),
      enumeration('state', { values: ['idle', 'charging', 'fault'] }),
    ],
    commands: [
      command('limit', { argument: { kind: 'numeric', unit: 'A', min: 6, max: 32 } }),
      command('pause'),
      command('resume'),
      command('eco', { argument: { kind: 'binary' } }),
    ],
    sample: { power: 3, 'grid-voltage': 230, 'cable-temperature': 30, state: 'idle' },
  }),
  defineDevice({
    model: 'beehive',
    description: 'Beehive on a scale',
    metrics: [
      numeric('weight', { unit: 'kg', min: 0, max: 200 }),
      numeric('sound', { unit: 'dB', min: 0, max: 120 }),
      numeric('brood-temperature', { unit: '°C', min: -40, max: 60 }),
      numeric('outside-temperature', { unit: '°C', min: -40, max: 60 }),
    ],
    commands: [command('flap', { argument: { kind: 'numeric', unit: '%', min: 0, max: 100 } })],
    sample: { weight: 30, sound: 40, 'brood-temperature': 35, 'outside-temperature': 20 },
  }),
];

const DEVICES = new Map([...definitions, ...others].map((one) => [one.model, one]));

export function goldSentences(): readonly GoldSentence[] {
  return readFileSync(new URL('hand-written.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [model = '', sentence = '', rule = ''] = line.split(' | ');
      const device = DEVICES.get(model);
      if (device === undefined) throw new Error(`no device "${model}"`);
      return { device, sentence, rule: rule.trim() === '-' ? undefined : goldRule(rule, device) };
    });
}

const LENGTH_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function goldRule(text: string, device: DeviceDefinition): RuleJson {
  const [, left = '', right = ''] = /^(.*) -> (.*)$/.exec(text) ?? [];
  const lasting = / for (\w+)/.exec(left)?.[1];
  const hysteresis = / hy ([\d.]+)/.exec(left)?.[1];
  const between = / @([\d:]+)-([\d:]+)/.exec(left);
  const days = / %([\w,]+)/.exec(left)?.[1];
  const bare = left.replace(/ (?:for \w+|hy [\d.]+|@\S+|%\S+)/g, '');
  const join = bare.includes(' & ') ? 'all' : 'any';
  const conditions = bare.split(/ & | or /).map((one) => goldCondition(one.trim(), device));
  const [first] = conditions;
  if (first === undefined) throw new Error(`no condition: ${text}`);
  return {
    when: conditions.length === 1 ? first : join === 'all' ? { all: conditions } : { any: conditions },
    ...(lasting !== undefined && { forMs: durationOf(lasting) }),
    ...(hysteresis !== undefined && { hysteresis: Number(hysteresis) }),
    ...(between !== null && { between: [between[1] ?? '', between[2] ?? ''] }),
    ...(days !== undefined && { days: days.split(',') }),
    do: goldAction(right.trim(), device),
  };
}

function goldCondition(text: string, device: DeviceDefinition): ConditionJson {
  const [name = '', ...rest] = text.split(' ');
  if (!device.metrics.some((one) => one.name === name)) throw new Error(`no metric "${name}": ${text}`);
  const [kind, ...words] = rest;
  if (kind === 'stale') return { metric: name, staleFor: durationOf(words[0] ?? '') };
  if (kind === 'rate') return { metric: name, op: words[0] ?? '', rate: Number(words[1]) };
  if (kind === 'delta') {
    const within = words[2] === 'in' ? { withinMs: durationOf(words[3] ?? '') } : {};
    return { metric: name, op: words[0] ?? '', delta: Number(words[1]), ...within };
  }
  return { metric: name, op: kind ?? '', value: goldValue(words.join(' ')) };
}

function goldAction(text: string, device: DeviceDefinition): ActionJson {
  const [name = '', ...rest] = text.split(' ');
  const argument = rest.join(' ');
  if (name === 'alert' || name === 'notify') {
    return argument === '' ? { kind: name } : { kind: name, text: argument.replace(/^"|"$/g, '') };
  }
  if (!device.commands.some((one) => one.name === name)) throw new Error(`no command "${name}": ${text}`);
  return argument === ''
    ? { kind: 'command', name }
    : { kind: 'command', name, argument: goldValue(argument) };
}

function goldValue(text: string): number | boolean | string {
  if (text === 'true' || text === 'false') return text === 'true';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

function durationOf(text: string): number {
  return Number(text.slice(0, -1)) * (LENGTH_MS[text.slice(-1)] ?? NaN);
}
