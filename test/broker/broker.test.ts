import { once } from 'node:events';
import { createServer } from 'node:net';
import { duplexPair } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from '../../src/base/log.ts';
import { createBroker } from '../../src/broker/index.ts';
import { Registry } from '../../src/device/index.ts';
import { MemoryRuntime } from './memory-runtime.ts';
import { start, until } from './start.ts';

const TELEMETRY = 'devices/greenhouse/g7/telemetry';

test('names the setting in one line when the port is in use', async () => {
  const { broker } = await start();
  const error: unknown = await createBroker({
    runtime: new MemoryRuntime(),
    registry: new Registry([]),
    ...broker.address,
    log: createLog({ level: 'silent', format: 'json' }),
  }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'BRG_PORT_IN_USE' });
  expect(String(error)).toContain('MOORING_MQTT_PORT');
  expect(String(error)).not.toContain('\n');
});

test('speaks MQTT over any stream', async () => {
  const { broker, runtime } = await start();
  const [near, far] = duplexPair();
  broker.acceptStream(far, '127.0.0.1');
  const acknowledged: Buffer[] = [];
  near.on('data', (chunk: Buffer) => acknowledged.push(chunk));
  near.write(Buffer.from('101000044d5154540402003c00026737', 'hex').fill(14, 1, 2));
  await until(() => Buffer.concat(acknowledged).toString('hex') === '20020000');
  await until(() => broker.connectionCount() === 1);
  const topic = Buffer.from(TELEMETRY);
  near.write(
    Buffer.concat([
      Buffer.from([0x32, topic.length + 6, 0, topic.length]),
      topic,
      Buffer.from([0, 9, 123, 125]),
    ]),
  );
  await until(() => Buffer.concat(acknowledged).toString('hex') === '200200004002' + '0009');
  expect(runtime.texts()).toEqual(['{}']);
  near.destroy();
  await until(() => broker.connectionCount() === 0);
});

test('stop acknowledges what is in flight, takes nothing new, publishes no will and detaches', async () => {
  const { broker, runtime, client, socket } = await start();
  const will = {
    topic: 'devices/pump/p1/presence',
    payload: Buffer.from('offline'),
    qos: 1,
    retain: true,
  } as const;
  await client({ will });
  runtime.mode = 'hold';
  const device = await socket();
  await device.connect('g7');
  device.publish(TELEMETRY, '1', 1, 1);
  await until(() => runtime.held.length === 1);
  const stopped = broker.stop();
  device.publish(TELEMETRY, '2', 1, 2);
  runtime.release();
  await stopped;
  await until(() => device.isClosed);
  expect(device.pubacks()).toEqual([1]);
  expect(runtime.texts()).toEqual(['1']);
  expect(runtime.events.filter((event) => event.startsWith('detach')).toSorted()).toEqual([
    'detach greenhouse/g7 2 stopping',
    'detach pump/p1 1 stopping',
  ]);
  const probe = createServer();
  probe.listen(broker.address.port, broker.address.host);
  await once(probe, 'listening');
  probe.close();
});

test('refuses a persistent session without a client id with return code 2', async () => {
  const { socket, counts } = await start();
  const client = await socket();
  await client.connect('', { isClean: false });
  expect([...(client.packets(2)[0] ?? [])]).toEqual([0, 2]);
  await until(() => client.isClosed);
  expect(counts.denied).toEqual(['client-id']);
});
