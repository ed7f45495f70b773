/** From a bridge for this machine only to one that asks who connects, with the command line alone. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { mooring, startBridge, temporaryDirectory } from './start.ts';

it('mooring user, token and acl make people and devices known to a running bridge, and unknown again', async () => {
  const dataDir = join(temporaryDirectory(), 'data');
  const env = { MOORING_DATA_DIR: dataDir };
  const run = (...args: string[]) => mooring(args, { env });
  const { mqttPort } = await startBridge(dataDir);
  const connect = (username?: string, password?: string) =>
    connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { reconnectPeriod: 0, username, password });
  const anybody = await connect();
  const closed = new Promise<void>((resolve) => anybody.once('close', () => resolve()));
  expect((await run('user')).stdout).toContain('nobody is known');

  const secret = (await run('token', 'create', '--model', 'pump', '--id', 'p1')).stdout.trim();
  expect(secret).toMatch(/^mrg_[0-9a-z]{22}$/);
  expect(statSync(join(dataDir, 'identity.db')).mode & 0o777).toBe(0o600);
  await closed; // who has no name is let go
  await expect(connect()).rejects.toMatchObject({ code: 5 });
  const device = await connect('pump/p1', secret);
  await device.publishAsync('devices/pump/p1/telemetry', '{"vibration":1}', { qos: 1 });

  const tokens = (await run('token', 'create', '--model', 'pump', '--count', '3')).stdout.trim().split('\n');
  expect(new Set(tokens).size).toBe(3);
  const claimed = await connect('pump/p7', tokens[0]);
  expect((await run('token', '--json')).stdout).toContain('"count": 2');
  expect(JSON.parse((await run('user', 'list', '--json')).stdout)).toMatchObject({
    items: [
      { name: 'pump/p1', role: 'device' },
      { name: 'pump/p7', role: 'device' },
    ],
    openClaims: [{ model: 'pump', count: 2 }],
  });

  const denied = await run('acl', 'explain', 'pump/p1', 'publish', 'devices/pump/p2/telemetry');
  expect(denied).toMatchObject({ code: 1 });
  expect(denied.stdout).toContain('denied: no rule covers devices/pump/p2/telemetry');
  const gone = new Promise<void>((resolve) => device.once('close', () => resolve()));
  await run('acl', 'allow', 'pump/p1', 'publish', 'devices/pump/+/telemetry');
  await gone;
  const allowed = await run('acl', 'explain', 'pump/p1', 'publish', 'devices/pump/p2/telemetry');
  expect(allowed).toMatchObject({ code: 0, stdout: expect.stringContaining('granted to pump/p1') as string });
  const gateway = await connect('pump/p1', secret);
  await gateway.publishAsync('devices/pump/p2/telemetry', '{"vibration":1}', { qos: 1 });

  const fresh = (await run('user', 'password', 'pump/p1', '--generate')).stdout.trim();
  await until(() => !gateway.connected);
  await expect(connect('pump/p1', secret)).rejects.toMatchObject({ code: 5 });
  await (await connect('pump/p1', fresh)).endAsync();
  await run('user', 'remove', 'pump/p7');
  await until(() => !claimed.connected);
});

it('refuses what makes no sense, and changes nothing', async () => {
  const env = { MOORING_DATA_DIR: join(temporaryDirectory(), 'data') };
  const refusals: [string[], string][] = [
    [['user', 'add', 'pump/p1'], 'mooring token create'],
    [['user', 'add', 'anna', '--role', 'king'], 'allowed are user, admin'],
    [['user', 'add', 'anna'], '--password-file <file>, or --generate'],
    [['user', 'remove', 'anna'], 'nobody is known as "anna"'],
    [['token', 'create'], '--model <model>'],
    [['token', 'create', '--model', 'Pump'], 'is no device'],
    [['token', 'create', '--model', 'pump', '--id', 'p1', '--count', '3'], 'have no --id'],
    [['acl', 'allow', 'anna', 'publish', 'a'], 'nobody is known as "anna"'],
    [['acl', 'allow', '*', 'write', 'a'], 'publish, subscribe, both'],
    [['acl', 'allow', '*', 'publish', 'a#'], 'no topic filter'],
    [['acl', 'remove', '*', 'publish', 'a'], 'was not granted'],
  ];
  const outcomes = await Promise.all(refusals.map(([args]) => mooring(args, { env })));
  for (const [at, { code, stderr }] of outcomes.entries()) {
    expect(stderr).toContain(refusals[at]?.[1]);
    expect(code).toBe(2);
  }
  expect((await mooring(['user', '--json'], { env })).stdout).toContain('"items": []');
});
