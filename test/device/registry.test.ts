import { describe, expect, it } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import {
  defineDevice,
  downlinkTopics,
  numeric,
  Registry,
  type DeviceDefinition,
} from '../../src/device/index.ts';

function define(model: string, telemetry?: string): DeviceDefinition {
  return defineDevice({
    model,
    description: model,
    metrics: [numeric('x')],
    sample: { x: 1 },
    ...(telemetry === undefined ? {} : { topics: { telemetry } }),
  });
}

const valve = define('valve');
const acme = define('acme-probe', 'acme/:id/up');
const rear = define('rear-probe', ':id/probes/rear');
const registry = new Registry([valve, acme, rear]);

describe('matchTopic', () => {
  it.each([
    ['devices/valve/v1/telemetry', 'telemetry', ''],
    ['devices/valve/v1/reported', 'reported', ''],
    ['devices/valve/v1/presence', 'presence', ''],
    ['devices/valve/v1/result/c-1', 'result', 'c-1'],
    ['devices/valve/v1/call/readAll/c1', 'call', 'readAll/c1'],
  ])('maps %s', (topic, channel, subject) => {
    const match = registry.matchTopic(topic);
    expect(match).toEqual({ definition: valve, address: { model: 'valve', id: 'v1' }, channel, subject });
    expect(match?.definition).toBe(valve);
  });

  it('takes every character the contract allows in an id, and 128 of them', () => {
    expect(registry.matchTopic('devices/valve/A.b_c~1:2-3/telemetry')?.address.id).toBe('A.b_c~1:2-3');
    expect(registry.matchTopic(`devices/valve/${'x'.repeat(128)}/telemetry`)).not.toBeNull();
    expect(registry.matchTopic(`devices/valve/${'x'.repeat(129)}/telemetry`)).toBeNull();
  });

  it.each([
    'devices/valve/v1',
    'devices/valve/v1/',
    'devices/valve//telemetry',
    'devices//v1/telemetry',
    'devices/valve/v1/telemetry/',
    'devices/valve/v1/telemetry/extra',
    'devices/valve/v 1/telemetry',
    'devices/valve/v1/result/',
    'devices/valve/v1/result/a/b',
    'devices/valve/v1/result',
    'devices/valve/v1/call/method',
    'devices/valve/v1/call/9/c',
    'devices/valve/v1/call/__proto__/',
    'devices/valve/v1/desired',
    'devices/valve/v1/command/stop/c1',
    'devices/valve/v1/reply/c1',
    'devices/valve/v1/frames',
    'devices/unknown/v1/telemetry',
    'devices/Valve/v1/telemetry',
    'devices/',
    'devices',
    '/devices/valve/v1/telemetry',
    'home/kitchen/light',
    'acme/a b/up',
    'acme/up',
    '',
  ])('does not map %j', (topic) => {
    expect(registry.matchTopic(topic)).toBeNull();
  });

  it('maps the telemetry topics of a model beside the own grammar', () => {
    expect(registry.matchTopic('acme/p7/up')).toMatchObject({
      address: { model: 'acme-probe', id: 'p7' },
      channel: 'telemetry',
    });
    expect(registry.matchTopic('p7/probes/rear')?.address).toEqual({ model: 'rear-probe', id: 'p7' });
    expect(registry.matchTopic('devices/acme-probe/p7/telemetry')?.definition).toBe(acme);
  });

  it('answers a topic that repeats with the same object', () => {
    const topic = 'devices/valve/v2/telemetry';
    expect(registry.matchTopic(topic)).toBe(registry.matchTopic(topic));
  });

  it(`stays right after ${limits.topicCacheEntriesMax} other topics`, () => {
    const small = new Registry([valve]);
    for (let n = 0; n <= limits.topicCacheEntriesMax; n++) small.matchTopic(`devices/valve/${n}/telemetry`);
    expect(small.matchTopic('devices/valve/0/telemetry')?.address.id).toBe('0');
  });
});

describe('Registry', () => {
  it('finds models by name', () => {
    expect(registry.get('valve')).toBe(valve);
    expect(registry.get('constructor')).toBeUndefined();
    expect(registry.definitions()).toEqual([valve, acme, rear]);
  });

  it('knows which topics are its own grammar', () => {
    expect(registry.isDeviceTopic('devices/unknown/v1/telemetry')).toBe(true);
    expect(registry.isDeviceTopic('home/devices/x')).toBe(false);
  });

  it('refuses a model defined twice, and topics that could mean two models', () => {
    expect(() => new Registry([valve, define('valve')])).toThrow(
      expect.objectContaining({ code: 'BRG_DEFINITION' }),
    );
    expect(() => new Registry([define('a', 'x/:id/up'), define('b', 'x/y/:id')])).toThrow(
      'devices "a" and "b" have telemetry topics that match the same messages',
    );
    expect(() => new Registry([define('a', 'x/:id/up'), define('b', 'x/:id/down')])).not.toThrow();
  });
});

describe('downlinkTopics', () => {
  it('names the topics of the contract', () => {
    const topics = downlinkTopics({ model: 'valve', id: 'v1' });
    expect(topics.desired).toBe('devices/valve/v1/desired');
    expect(topics.commandPrefix).toBe('devices/valve/v1/command/');
    expect(topics.frames).toBe('devices/valve/v1/frames');
    expect(topics.reply('c1')).toBe('devices/valve/v1/reply/c1');
    expect(topics.command('stop', 'c1')).toBe('devices/valve/v1/command/stop/c1');
  });
});
