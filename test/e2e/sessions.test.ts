/** MQTT sessions over kill -9 and a backup, with the clients people have. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { expect, onTestFinished, test } from 'vitest';
import { restoreBackup } from '../../src/store/index.ts';
import { Raw } from '../broker/start.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';

const PUBLISHED = 60;

/** Runs a client of mosquitto's to its end; answers its lines. */
async function mosquitto(
  bridge: BridgeProcess,
  program: 'mosquitto_sub' | 'mosquitto_pub',
  ...args: string[]
) {
  const child = spawn(program, ['-h', '127.0.0.1', '-p', String(bridge.mqttPort), ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number]; // Node's types say any[]
  return { code, lines: output.split('\n').filter((line) => line !== '') };
}

async function raw(bridge: BridgeProcess, clientId: string): Promise<Raw> {
  const socket = connectSocket(bridge.mqttPort, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  const client = new Raw(socket);
  await client.connect(clientId, { isClean: false });
  return client;
}

function messages(client: MqttClient): string[] {
  const seen: string[] = [];
  client.on('message', (topic, payload) => seen.push(`${topic} ${payload.toString()}`));
  return seen;
}

test('checklist 22, 24: subscriptions, queues, QoS 2, retained messages and a backup of them outlive kill -9, and who was there is offline', async () => {
  const dataDir = await testDataDir();
  const restored = await testDataDir();
  const first = await startBridge(dataDir);
  const archive = ['-c', '-i', 'archive', '-q', '1', '-t', 'log/#'];
  expect(await mosquitto(first, 'mosquitto_sub', ...archive, '-E')).toEqual({ code: 0, lines: [] });
  const phone = await first.mqtt({ clientId: 'phone', clean: false });
  await phone.subscribeAsync('two/#', { qos: 2 });
  await phone.endAsync();
  const half = await raw(first, 'half');
  half.publish('two/half', 'h', 2, 5);
  await until(() => half.packets(5).length === 1, 'the PUBREC');
  const device = await first.mqtt();
  await device.publishAsync('devices/pump/p1/telemetry', '{}', { qos: 1 });
  expect(await first.get('/api/agents/pump/p1')).toMatchObject({ presence: 'online' });
  const publisher = await first.mqtt();
  const all = Array.from({ length: PUBLISHED }, (_, n) =>
    publisher.publishAsync(`log/${n}`, String(n), { qos: 1 }),
  );
  await Promise.all(all);
  await publisher.publishAsync('two/whole', 'w', { qos: 2 });
  await publisher.publishAsync('kept', 'yes', { qos: 1, retain: true });
  await first.end('SIGKILL');

  const second = await startBridge(dataDir);
  const again = await raw(second, 'half');
  again.publish('two/half', 'h', 2, 5, true);
  again.acknowledge(6, 5);
  await until(() => again.packets(7).length === 1, 'the PUBCOMP');
  const back = await second.mqtt({ clientId: 'phone', clean: false });
  const seen = messages(back);
  await until(() => seen.length === 2, 'both QoS 2 messages');
  await back.endAsync();
  expect(await mosquitto(second, 'mosquitto_sub', '-t', '#', '-C', '1', '-v')).toEqual({
    code: 0,
    lines: ['kept yes'],
  });
  const { status, body } = await second.request('POST', '/api/backup');
  expect({ status, body }).toMatchObject({ status: 202 });
  const path = await until(async () => {
    const backup = await second.get<{ state: string; path?: string }>('/api/backup');
    return backup.state === 'done' ? (backup.path ?? '') : null;
  }, 'the backup');
  // A moment after the start, in which devices may come back.
  await until(
    async () => (await second.get<{ presence: string }>('/api/agents/pump/p1')).presence === 'offline',
    'the device to be offline',
  );
  await second.end('SIGKILL');
  expect(seen).toEqual(['two/half h', 'two/whole w']);

  await restoreBackup(path, restored, { force: true, nowMs: Date.now() });
  expect(existsSync(join(restored, 'sessions.db'))).toBe(true);
  const third = await startBridge(restored);
  const log = await mosquitto(third, 'mosquitto_sub', ...archive, '-C', String(PUBLISHED), '-W', '10');
  expect(log).toEqual({ code: 0, lines: Array.from({ length: PUBLISHED }, (_, n) => String(n)) });
  const last = await third.mqtt({ clientId: 'phone', clean: false });
  const more = messages(last);
  await last.publishAsync('two/end', 'e', { qos: 2 });
  await until(() => more.length === 1, 'what was published last');
  expect(more).toEqual(['two/end e']);
});

test('a session that nobody comes back to overflows, oldest first, and ends, with counters that say so', async () => {
  const bridge = await startBridge(await testDataDir(), ['--mqtt-session-expiry-s', '3']);
  const away = ['-c', '-i', 'away', '-q', '1', '-t', 'log/#'];
  await mosquitto(bridge, 'mosquitto_sub', ...away, '-E');
  const publisher = await bridge.mqtt();
  const all = Array.from({ length: 1010 }, (_, n) => publisher.publishAsync('log/n', String(n), { qos: 1 }));
  await Promise.all(all);
  expect(await bridge.metric('mooring_mqtt_queue_dropped_total')).toBe(10);
  expect(await mosquitto(bridge, 'mosquitto_sub', ...away, '-C', '1000')).toEqual({
    code: 0,
    lines: Array.from({ length: 1000 }, (_, n) => String(n + 10)),
  });
  await until(async () => (await bridge.metric('mooring_mqtt_sessions')) === 0, 'the session to end');
  expect(await bridge.metric('mooring_mqtt_queued_bytes')).toBe(0);
});
