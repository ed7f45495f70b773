/** Checklist rows 9 and 10: what a client may is asked at each door, and a session belongs to who made it. */
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hashSecret, Identities, newSecret } from '../../src/identity/index.ts';
import { IdentityStore, type Role } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';
import { start, until } from './start.ts';

interface Known {
  readonly store: IdentityStore;
  readonly secretOf: (name: string, role?: Role) => string;
}

async function startKnowing() {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  const secrets = new Map<string, string>();
  const secretOf: Known['secretOf'] = (name, role = 'device') => {
    const secret = secrets.get(name) ?? newSecret();
    if (!secrets.has(name)) {
      const [model = '', id = ''] = role === 'device' ? name.split('/') : [];
      store.put({ name, role, model, id, secret: hashSecret(secret), createdAtMs: 0 });
    }
    secrets.set(name, secret);
    return secret;
  };
  secretOf('root', 'admin');
  const identities = new Identities(dataDir);
  onTestFinished(() => {
    identities.close();
    store.close();
  });
  const setup = await start({ identities });
  const login = (username: string, options: IClientOptions = {}, role?: Role): Promise<MqttClient> =>
    setup.client({ username, ...options, password: options.password ?? secretOf(username, role) });
  return { ...setup, store, secretOf, login };
}

test('nobody connects without a name and a secret; 5 says so [MQTT-3.2.2-5]', async () => {
  const { broker, counts, secretOf } = await startKnowing();
  const url = `mqtt://${broker.address.host}:${broker.address.port}`;
  const attempts: IClientOptions[] = [
    {},
    { username: 'pump/p1' },
    { username: 'root', password: 'x' },
    { username: 'nobody', password: secretOf('pump/p1') },
  ];
  for (const attempt of attempts) {
    const refused = connectAsync(url, { reconnectPeriod: 0, ...attempt });
    await expect(refused).rejects.toMatchObject({ code: 5 });
  }
  expect(counts.denied).toEqual(attempts.map(() => 'identity'));
  expect(broker.connectionCount()).toBe(0);
});

test('a device publishes as itself; as another it is cut off, unacknowledged', async () => {
  const { runtime, counts, login } = await startKnowing();
  const device = await login('pump/p1');
  await device.publishAsync('devices/pump/p1/telemetry', '{}', { qos: 1 });
  const closed = new Promise<void>((resolve) => device.once('close', resolve));
  let isAcknowledged = false;
  device.publish('devices/pump/p2/telemetry', '{}', { qos: 1 }, (error) => (isAcknowledged = error === null));
  await closed;
  expect(isAcknowledged).toBe(false);
  expect(counts.denied).toEqual(['acl']);
  expect(runtime.delivered.map(({ address }) => address.id)).toEqual(['p1']);
});

test('checklist 9: no filter gets a device what it may not have', async () => {
  const { counts, login } = await startKnowing();
  const device = await login('pump/p1');
  const filters = [
    '#',
    '+/+',
    'devices/+/+/telemetry',
    'devices/pump/+/command/#',
    'devices/pump/p2/command/stop/+',
    '$share/g/devices/#',
    'devices/pump/p1/#',
    'plain',
  ];
  for (const filter of filters) {
    await expect(device.subscribeAsync(filter)).rejects.toThrow('Unspecified error');
  }
  const granted = await device.subscribeAsync(['devices/pump/p1/command/#', 'devices/pump/p1/desired'], {
    qos: 1,
  });
  expect(granted.map(({ qos }) => qos)).toEqual([1, 1]);
  expect(counts.denied.filter((reason) => reason === 'acl')).toHaveLength(filters.length);
});

test('checklist 9: a will to where it may not publish is refused with CONNECT', async () => {
  const { broker, secretOf } = await startKnowing();
  const url = `mqtt://${broker.address.host}:${broker.address.port}`;
  const options = { reconnectPeriod: 0, username: 'pump/p1', password: secretOf('pump/p1') };
  const will = (id: string) =>
    ({
      topic: `devices/pump/${id}/presence`,
      payload: Buffer.from('offline'),
      qos: 1,
      retain: true,
    }) as const;
  await expect(connectAsync(url, { ...options, will: will('p2') })).rejects.toMatchObject({ code: 5 });
  const device = await connectAsync(url, { ...options, will: will('p1') });
  await device.endAsync(true);
});

test('checklist 10: the same client id of another identity is another session, and takes over nobody', async () => {
  const { broker, login, store } = await startKnowing();
  const first = await login('anna', { clientId: 'c', clean: false }, 'admin');
  await first.subscribeAsync('news', { qos: 1 });
  let isClosed = false;
  first.once('close', () => (isClosed = true));
  const other = await login('bob', { clientId: 'c', clean: false }, 'admin');
  await until(() => broker.connectionCount() === 2);
  await other.publishAsync('news', 'x', { qos: 1 });
  expect(isClosed).toBe(false);
  // The same identity takes over its own [MQTT-3.1.4-2].
  const again = await login('anna', { clientId: 'c', clean: false }, 'admin');
  await until(() => isClosed);
  expect(again.connected).toBe(true);
  store.remove('bob');
});

test('a change of what somebody may ends the connection, and what comes next is asked again', async () => {
  const { login, store, counts } = await startKnowing();
  store.put({ name: 'viewer', role: 'user', model: '', id: '', secret: hashSecret('mrg_v'), createdAtMs: 0 });
  store.grant({ name: 'viewer', action: 'subscribe', filter: 'news/#' });
  const viewer = await login('viewer', { password: 'mrg_v', clientId: 'v', clean: false });
  const bystander = await login('pump/p1');
  await viewer.subscribeAsync('news/a', { qos: 1 });
  const closed = new Promise<void>((resolve) => viewer.once('close', resolve));
  store.revoke({ name: 'viewer', action: 'subscribe', filter: 'news/#' });
  await closed;
  expect(bystander.connected).toBe(true);
  // Its stored session still has the filter; it is asked again when the session is restored.
  const back = await login('viewer', { password: 'mrg_v', clientId: 'v', clean: false });
  const heard: string[] = [];
  back.on('message', (topic) => heard.push(topic));
  const admin = await login('root');
  await admin.publishAsync('news/a', 'x', { qos: 1 });
  store.grant({ name: 'viewer', action: 'subscribe', filter: 'other' });
  await new Promise<void>((resolve) => back.once('close', resolve));
  expect(heard).toEqual([]);
  expect(counts.denied).toContain('acl');
});

test('the codec stands behind the name and is no part of it', async () => {
  const { runtime, secretOf, client } = await startKnowing();
  const device = await client({ username: 'pump/p1?codec=cbor', password: secretOf('pump/p1') });
  await device.publishAsync('devices/pump/p1/telemetry', '{}', { qos: 1 });
  expect(runtime.events.find((event) => event.startsWith('attach'))).toMatch(/^attach pump\/p1 \d+ cbor$/);
});

test('checklist 9: a retained message goes out only as long as who set it may publish it (CVE-2018-12546)', async () => {
  const { store, login } = await startKnowing();
  const grant = { name: 'anna', action: 'publish', filter: 'notes/#' } as const;
  const anna = await login('anna', {}, 'user');
  store.grant(grant);
  store.grant({ ...grant, name: 'bert' });
  await new Promise<void>((resolve) => anna.once('close', () => resolve())); // her rights changed
  const author = await login('anna', {}, 'user');
  await author.publishAsync('notes/1', 'x', { qos: 1, retain: true });
  await author.endAsync();
  await (await login('bert', {}, 'user')).publishAsync('notes/2', 'y', { qos: 1, retain: true });
  store.revoke(grant);
  const seen: string[] = [];
  await vi.waitUntil(async () => {
    const root = await login('root', {}, 'admin');
    seen.length = 0;
    root.on('message', (topic) => seen.push(topic));
    await root.subscribeAsync('notes/#');
    await root.publishAsync('notes/end', '', { qos: 0 });
    await until(() => seen.includes('notes/end'));
    return !seen.includes('notes/1');
  }, 4000);
  expect(seen).toEqual(['notes/2', 'notes/end']);
});
