/** Tokens and users of a whole bridge, with the clients people have: MQTT.js, mosquitto's, WebSockets, the command line's API. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { connectAsync } from 'mqtt';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { hashPassword, hashSecret, newHttpToken } from '../../src/identity/index.ts';
import { IdentityStore } from '../../src/store/index.ts';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/tokens.ts';
import { until } from '../support/until.ts';

const TOPIC = 'devices/pump/p1/telemetry';

async function startTrusting(directory = temporaryDir()) {
  const issuer = await Issuer.create(directory);
  const settings = { jwtJwksFile: issuer.jwksFile, jwtIssuer: ISSUER, jwtAudience: AUDIENCE };
  return { issuer, bridge: await startBridge({ dataDir: temporaryDir(), ...settings }) };
}

/** A request with a token. */
async function ask(bridge: TestBridge, token: string, path: string, init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${bridge.bridge.http.url}${path}`, { ...init, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }; // all are objects here
}

function listen(bridge: TestBridge, token: string, address: string): WebSocket {
  const url = bridge.bridge.http.url.replace('http', 'ws');
  const socket = new WebSocket(`${url}/agents/${address}?token=${token}`);
  socket.on('error', () => undefined);
  return socket;
}

const closed = (socket: WebSocket): Promise<number> =>
  new Promise((resolve) => socket.once('close', resolve));
const opened = (socket: WebSocket): Promise<void> => new Promise((resolve) => socket.once('open', resolve));

test('a device publishes with a token for a password, with and without its name, until the token ends', async () => {
  const { issuer, bridge } = await startTrusting();
  const { host, port } = bridge.bridge.mqtt;
  const token = await issuer.sign({ sub: 'pump/p1' });
  const publish = (...args: string[]): Promise<unknown> =>
    promisify(execFile)('mosquitto_pub', [
      '-h',
      host,
      '-p',
      String(port),
      '-q',
      '1',
      '-t',
      TOPIC,
      '-m',
      '{"vibration":1}',
      ...args,
    ]);
  await publish('-u', 'pump/p1', '-P', token);
  await expect(publish('-u', 'pump/p2', '-P', token)).rejects.toThrow('not authorised');
  await expect(publish('-u', 'pump/p1', '-P', `${token}x`)).rejects.toThrow('not authorised');
  await expect(publish()).rejects.toThrow('not authorised');

  const ending = await issuer.sign({ sub: 'pump/p1' }, { expiresInS: 2 });
  const device = await bridge.mqtt({ password: ending, username: '', clientId: 'c', clean: false });
  await device.publishAsync(TOPIC, '{"vibration":2}', { qos: 1 });
  // Another subject with the same client id takes over nobody.
  const other = await bridge.mqtt({
    username: '',
    password: await issuer.sign({ sub: 'pump/p2' }),
    clientId: 'c',
    clean: false,
  });
  expect([device.connected, other.connected]).toEqual([true, true]);
  await until(() => !device.connected, 'the connection to end with its token');
  expect(other.connected).toBe(true);
  const reader = await issuer.sign({ sub: 'anna', scope: 'read' });
  const counted = await ask(bridge, reader, '/api/agents/pump/p1/telemetry/count');
  expect(counted.body).toMatchObject({ applied: 2 });
});

test('other keys of the issuer count within seconds, and end who came with the old ones', async () => {
  const directory = temporaryDir();
  const { issuer, bridge } = await startTrusting(directory);
  const before = await issuer.sign({ sub: 'pump/p1' });
  const device = await bridge.mqtt({ username: 'pump/p1', password: before });
  const next = await Issuer.create(directory, 'k2');
  await next.publish(issuer.jwksFile);
  await until(() => !device.connected, 'the old key to be dropped');
  const { host, port } = bridge.bridge.mqtt;
  const connect = (password: string) =>
    connectAsync(`mqtt://${host}:${port}`, { reconnectPeriod: 0, username: 'pump/p1', password });
  await expect(connect(before)).rejects.toMatchObject({ code: 5 });
  await (await connect(await next.sign({ sub: 'pump/p1' }))).endAsync();
});

test('a token for HTTP does what its scopes say; taken back, its connections end within two seconds', async () => {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  const [ci, boss] = [newHttpToken(), newHttpToken()];
  const row = { createdAtMs: 0, expiresAtMs: null };
  store.http.addToken({ ...row, name: 'ci', hash: hashSecret(ci), scopes: 'read,act', agents: 'pump/*' });
  store.http.addToken({ ...row, name: 'boss', hash: hashSecret(boss), scopes: 'admin', agents: '*' });
  const bridge = await startBridge({ dataDir });
  const url = bridge.bridge.http.url;
  expect((await fetch(`${url}/api/agents`)).status).toBe(401);
  expect((await fetch(`${url}/metrics`)).status).toBe(401);
  const device = await bridge.mqtt(); // over MQTT nobody is asked yet
  await device.publishAsync(TOPIC, '{"vibration":1}', { qos: 1 });
  await device.publishAsync('devices/greenhouse/g1/telemetry', '{"temperature":1}', { qos: 1 });
  await until(async () => (await ask(bridge, boss, '/api/agents/greenhouse/g1')).status === 200);

  const { agents } = (await ask(bridge, ci, '/api/agents')).body as { agents: { model: string }[] };
  expect(agents.map(({ model }) => model)).toEqual(['pump']);
  expect(await ask(bridge, ci, '/api/agents/greenhouse/g1')).toMatchObject({
    status: 403,
    body: { code: 'BRG_FORBIDDEN' },
  });
  const command = { method: 'POST', body: 'null' };
  expect((await ask(bridge, ci, '/api/agents/pump/p1/commands/stop', command)).status).toBe(403);
  expect((await ask(bridge, ci, '/mcp', { method: 'POST', body: '{}' })).status).toBe(403);
  expect((await ask(bridge, ci, '/api/me')).body).toMatchObject({
    name: 'ci',
    via: 'token',
    scopes: ['read', 'act'],
  });
  await ask(bridge, boss, '/api/agents/pump/p1/desired', { method: 'PATCH', body: '{}' });
  const tool = { method: 'POST', body: JSON.stringify({ command: 'stop' }) };
  await ask(bridge, ci, '/api/agents/pump/p1/tools/send_command', tool);
  const audit = (await ask(bridge, boss, '/api/audit?agent=pump/p1')).body as { items: { by: string }[] };
  expect(audit.items.some(({ by }) => by === 'api:token:ci')).toBe(true);

  const listener = listen(bridge, ci, 'pump/p1');
  await opened(listener);
  listener.send(JSON.stringify({ type: 'cf_agent_state', state: {} }));
  expect(await closed(listener)).toBe(1008); // it may listen
  const [heard, stays] = [listen(bridge, ci, 'pump/p1'), listen(bridge, boss, 'pump/p1')];
  await Promise.all([opened(heard), opened(stays)]);
  const [elsewhere, nobody] = [listen(bridge, ci, 'greenhouse/g1'), listen(bridge, ci, 'pump/none')];
  expect(await Promise.all([closed(elsewhere), closed(nobody)])).toEqual([1006, 1006]);
  const startMs = performance.now();
  store.http.removeToken('ci');
  expect(await closed(heard)).toBe(1008);
  expect(performance.now() - startMs).toBeLessThan(3000);
  expect(stays.readyState).toBe(WebSocket.OPEN);
  expect((await ask(bridge, ci, '/api/agents')).status).toBe(401);
  stays.terminate();
  store.close();
});

test('a user logs in, decides as themselves only, and logs out', async () => {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  const secret = await hashPassword('correct horse');
  store.put({ name: 'anna', role: 'user', model: '', id: '', secret, createdAtMs: 0 });
  store.http.putUser({ name: 'anna', scopes: 'read,approve', agents: '*' });
  store.close();
  const bridge = await startBridge({ dataDir });
  const login = async (password: string, headers: Record<string, string> = {}) =>
    fetch(`${bridge.bridge.http.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ name: 'anna', password }),
    });
  const wrong = await login('wrong horse');
  expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([401, 'BRG_UNAUTHORIZED']);
  expect((await login('correct horse', { origin: 'http://evil.example' })).status).toBe(403);
  const answer = (await (await login('correct horse')).json()) as { token: string; scopes: string[] };
  expect(answer).toMatchObject({ name: 'anna', via: 'user', scopes: ['read', 'approve'], agents: null });
  const decide = (by: string) =>
    ask(bridge, answer.token, '/api/agents/pump/p1/approvals/x', {
      method: 'POST',
      body: JSON.stringify({ approved: true, by }),
    });
  expect((await decide('bert')).body).toMatchObject({
    code: 'BRG_FORBIDDEN',
    detail: 'you are anna, and cannot decide as bert',
  });
  expect((await decide('anna')).body).toMatchObject({ code: 'BRG_UNKNOWN_AGENT' });
  const socket = listen(bridge, answer.token, 'fleet/all');
  await opened(socket);
  expect((await ask(bridge, answer.token, '/api/logout', { method: 'POST' })).body).toEqual({ ended: true });
  expect(await closed(socket)).toBe(1008);
  expect((await ask(bridge, answer.token, '/api/me')).status).toBe(401);
});

test('a denial is one entry however often it was tried, with a line to paste, for whoever may read all', async () => {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  const secret = await hashPassword('correct horse');
  store.put({ name: 'pump/p1', role: 'device', model: 'pump', id: 'p1', secret, createdAtMs: 0 });
  const row = { createdAtMs: 0, expiresAtMs: null };
  const newToken = (name: string, scopes: string, agents: string): string => {
    const token = newHttpToken();
    store.http.addToken({ ...row, name, hash: hashSecret(token), scopes, agents });
    return token;
  };
  const reader = newToken('reader', 'read', '*');
  const actor = newToken('actor', 'act', '*');
  const bound = newToken('bound', 'read', 'pump/*');
  store.close();
  const bridge = await startBridge({ dataDir });
  expect((await ask(bridge, reader, '/api/denials')).body).toEqual({ items: [] });

  const login = { username: 'pump/p1', password: 'correct horse', clientId: 'p1-client' };
  const publishDenied = async (topic: string): Promise<void> => {
    const device = await bridge.mqtt(login);
    const isClosed = new Promise<void>((resolve) => device.once('close', () => resolve()));
    device.publish(topic, '{}', { qos: 0 });
    await isClosed;
  };
  const hostile = "devices/pump/p2/it's; $(reboot) `id`";
  for (const topic of [TOPIC.replace('p1', 'p2'), hostile, TOPIC.replace('p1', 'p2')])
    await publishDenied(topic);
  const escape = 'devices/pump/p2/\u202Egnp.exe';
  const listener = await bridge.mqtt(login);
  await expect(listener.subscribeAsync(escape)).rejects.toThrow();

  const answer = await ask(bridge, reader, '/api/denials');
  expect(answer.status).toBe(200);
  const items = answer.body.items as { topic: string; allow: string }[]; // as the schema of the route says
  expect(items).toMatchObject([
    { name: 'pump/p1', action: 'subscribe', topic: escape, count: 1, allow: null },
    {
      name: 'pump/p1',
      action: 'publish',
      topic: 'devices/pump/p2/telemetry',
      count: 2,
      client: 'p1-client',
      rule: expect.stringContaining('devices/pump/p1/telemetry'),
      allow: "mooring acl allow pump/p1 publish 'devices/pump/p2/telemetry'",
    },
    { name: 'pump/p1', action: 'publish', topic: hostile, count: 1 },
  ]);
  // A shell makes of the line what was denied, and runs nothing.
  const line = items[2]?.allow.replace('mooring', String.raw`printf '%s\n'`) ?? '';
  const { stdout } = await promisify(execFile)('sh', ['-c', line]);
  expect(stdout).toBe(['acl', 'allow', 'pump/p1', 'publish', hostile, ''].join('\n'));

  expect((await ask(bridge, reader, '/api/denials?limit=1')).body.items).toHaveLength(1);
  for (const token of [actor, bound]) {
    expect(await ask(bridge, token, '/api/denials')).toMatchObject({
      status: 403,
      body: { code: 'BRG_FORBIDDEN' },
    });
  }
  expect((await fetch(`${bridge.bridge.http.url}/api/denials`)).status).toBe(401);
});
