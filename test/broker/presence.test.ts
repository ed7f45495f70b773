import { expect, test } from 'vitest';
import { start, until } from './start.ts';

const PRESENCE = 'devices/greenhouse/g7/presence';
const TELEMETRY = 'devices/greenhouse/g7/telemetry';

test('attaches a device once per connection and detaches it at DISCONNECT', async () => {
  const { runtime, client } = await start();
  const device = await client({ username: 'anna?codec=cbor' });
  await device.publishAsync(TELEMETRY, '{}', { qos: 1 });
  await device.publishAsync('devices/greenhouse/g7/reported', '{}', { qos: 1 });
  await device.publishAsync('devices/pump/p1/telemetry', '{}', { qos: 1 });
  await device.publishAsync(TELEMETRY, '{}', { qos: 1 });
  await device.endAsync();
  await until(() => runtime.events.at(-1)?.startsWith('detach pump') === true);
  expect(runtime.events.filter((event) => !event.startsWith('deliver'))).toEqual([
    'attach greenhouse/g7 1 cbor',
    'attach pump/p1 1 cbor',
    'detach greenhouse/g7 1 disconnect',
    'detach pump/p1 1 disconnect',
  ]);
});

test('attaches by the will at CONNECT and delivers the will when the connection is lost', async () => {
  const { runtime, client } = await start();
  const observer = await client();
  await observer.subscribeAsync(PRESENCE);
  const seen: string[] = [];
  observer.on('message', (_topic, payload) => seen.push(payload.toString()));
  const will = { topic: PRESENCE, payload: Buffer.from('offline'), qos: 1, retain: true } as const;
  const device = await client({ will });
  await until(() => runtime.events.length === 1);
  expect(runtime.events).toEqual(['attach greenhouse/g7 2 null']);
  device.stream.destroy();
  await until(() => seen.length === 1);
  expect(seen).toEqual(['offline']);
  expect(runtime.delivered).toMatchObject([
    { address: { model: 'greenhouse', id: 'g7' }, channel: 'presence', connection: 0 },
  ]);
  expect(runtime.texts()).toEqual(['offline']);
  await until(() => runtime.events.some((event) => event.startsWith('detach greenhouse/g7 2')));
});

test('leaves the device attached when the same client id takes over', async () => {
  const { runtime, client } = await start();
  const will = { topic: PRESENCE, payload: Buffer.from('offline'), qos: 1, retain: true } as const;
  const first = await client({ clientId: 'g7', will });
  await first.publishAsync(PRESENCE, 'online', { qos: 1, retain: true });
  await first.subscribeAsync('devices/greenhouse/g7/command/#', { qos: 1 });
  const second = await client({ clientId: 'g7', will });
  await second.publishAsync(PRESENCE, 'online', { qos: 1, retain: true });
  await until(() => runtime.events.some((event) => event.startsWith('detach')));
  const attached = new Set<string>();
  for (const event of runtime.events) {
    const [verb, , connection = ''] = event.split(' ');
    if (verb === 'attach') attached.add(connection);
    if (verb === 'detach') attached.delete(connection);
  }
  expect(attached).toEqual(new Set(['2']));
  expect(runtime.texts().at(-1)).toBe('online');
  const observer = await client();
  const retained = new Promise<string>((resolve) => {
    observer.once('message', (_topic, payload) => resolve(payload.toString()));
  });
  await observer.subscribeAsync(PRESENCE);
  expect(await retained).toBe('online');
});

test('says what a device listens to after the SUBACK, and takes a wildcard for an observer', async () => {
  const { runtime, client } = await start();
  const device = await client();
  await device.subscribeAsync(['devices/greenhouse/g7/command/+/+', 'devices/greenhouse/g7/desired'], {
    qos: 1,
  });
  const observer = await client();
  await observer.subscribeAsync(['devices/#', 'devices/greenhouse/+/desired', 'devices/toaster/t/desired']);
  const whole = await client();
  await whole.subscribeAsync('devices/pump/p1/#');
  await until(() => runtime.events.length >= 4);
  expect(runtime.events).toEqual([
    'attach greenhouse/g7 1 null',
    'listening greenhouse/g7 1 command+desired',
    'attach pump/p1 3 null',
    'listening pump/p1 3 command+desired',
  ]);
});

test('listens again when a persistent session comes back without subscribing', async () => {
  const { runtime, client } = await start();
  const first = await client({ clientId: 'p1', clean: false });
  await first.subscribeAsync('devices/pump/p1/command/#', { qos: 1 });
  await first.endAsync();
  await until(() => runtime.events.includes('detach pump/p1 1 disconnect'));
  await client({ clientId: 'p1', clean: false });
  await until(() => runtime.events.includes('listening pump/p1 2 command'));
  const clean = await client({ clientId: 'p1', clean: true });
  await clean.endAsync();
  await client({ clientId: 'p1', clean: false });
  await until(() => runtime.events.filter((event) => event.startsWith('detach')).length === 2);
  expect(runtime.events.filter((event) => event.startsWith('listening'))).toHaveLength(2);
});

test('keeps a QoS 1 device message for a persistent session that is away', async () => {
  const { runtime, client } = await start();
  const first = await client({ clientId: 'archive', clean: false });
  await first.subscribeAsync('devices/#', { qos: 1 });
  await first.endAsync();
  const device = await client();
  await device.publishAsync(TELEMETRY, 'kept', { qos: 1 });
  await until(() => runtime.delivered.length === 1);
  const seen: string[] = [];
  const second = await client({ clientId: 'archive', clean: false });
  second.on('message', (_topic, payload) => seen.push(payload.toString()));
  await until(() => seen.length === 1);
  expect(seen).toEqual(['kept']);
});
