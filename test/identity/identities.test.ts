import { expect, onTestFinished, test } from 'vitest';
import { Attempts } from '../../src/identity/attempts.ts';
import {
  hashPassword,
  hashSecret,
  Identities,
  newSecret,
  Principal,
  type Action,
} from '../../src/identity/index.ts';
import { limits } from '../../src/base/limits.ts';
import { IdentityStore } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';
import { until } from '../support/until.ts';

function setup() {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  const identities = new Identities(dataDir);
  onTestFinished(() => {
    identities.close();
    store.close();
  });
  const login = (name: string, password: string, certificateName: string | null = null, source = name) =>
    identities.authenticate({ name, password, certificateName, source });
  return { dataDir, store, identities, login };
}

const user = (name: string, secret: string, role: 'user' | 'admin' = 'user') =>
  ({ name, role, model: '', id: '', secret, createdAtMs: 0 }) as const;
const device = (model: string, id: string, secret: string) =>
  ({ name: `${model}/${id}`, role: 'device', model, id, secret, createdAtMs: 0 }) as const;

function may(principal: Principal | string, action: Action, filter: string): boolean {
  if (!(principal instanceof Principal)) throw new Error(`not let in: ${principal}`);
  return principal.ruleFor(action, filter) !== undefined;
}

test('a password is checked, and kept as a hash that no rainbow table knows', async () => {
  const { store, identities, login } = setup();
  expect(identities.isOpen).toBe(true);
  const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
  expect(one).toMatch(/^scrypt\$16384\$8\$5\$/);
  expect(one).not.toBe(other);
  store.put(user('anna', one, 'admin'));
  await until(() => !identities.isOpen, 'the change by another process to be seen');
  expect(await login('anna', 'correct horse')).toMatchObject({ name: 'anna', device: null });
  for (const wrong of ['correct hors', 'correct horse ', ''])
    expect(await login('anna', wrong)).toBe('refused');
  expect(await login('bob', 'correct horse')).toBe('refused');
  expect(await login('__proto__', 'x')).toBe('refused');
});

test('a device speaks for itself and for nobody else, by whatever filter', async () => {
  const { store, login } = setup();
  const secret = newSecret();
  store.put(device('pump', 'p1', hashSecret(secret)));
  const principal = await login('pump/p1', secret);
  const own = (rest: string): string => `devices/pump/p1/${rest}`;
  for (const topic of ['telemetry', 'reported', 'result/c1', 'call/m/c1', 'presence'].map(own))
    expect(may(principal, 'publish', topic)).toBe(true);
  for (const filter of ['desired', 'command/#', 'command/stop/+', 'reply/+', 'frames'].map(own))
    expect(may(principal, 'subscribe', filter)).toBe(true);
  const others = [
    'devices/pump/p2/telemetry',
    'devices/pump/+/telemetry',
    'devices/#',
    '#',
    '+/+/+/+',
    '$SYS/#',
    own('#'),
  ];
  for (const filter of others) {
    expect(may(principal, 'subscribe', filter)).toBe(false);
    expect(may(principal, 'publish', filter)).toBe(false);
  }
  expect(may(principal, 'publish', own('command/stop/c1'))).toBe(false);
  expect(may(principal, 'subscribe', own('telemetry'))).toBe(false);
});

test('grants widen what a user, a device or everybody may; taking them back is seen', async () => {
  const { store, identities, login } = setup();
  store.put(user('grafana', hashSecret('mrg_x')));
  store.put(device('gateway', 'hall-1', hashSecret('mrg_y')));
  store.grant({ name: 'grafana', action: 'subscribe', filter: 'devices/+/+/telemetry' });
  store.grant({ name: '*', action: 'publish', filter: 'chat/{user}/#' });
  store.grant({ name: '*', action: 'publish', filter: 'for/{model}/devices' });
  const grafana = await login('grafana', 'mrg_x');
  const gateway = await login('gateway/hall-1', 'mrg_y');
  expect(may(grafana, 'subscribe', 'devices/pump/p1/telemetry')).toBe(true);
  expect(may(grafana, 'subscribe', 'devices/+/p1/telemetry')).toBe(true);
  expect(may(grafana, 'subscribe', 'devices/#')).toBe(false);
  expect(may(grafana, 'publish', 'chat/grafana/x')).toBe(true);
  expect(may(grafana, 'publish', 'chat/gateway/hall-1/x')).toBe(false);
  expect(may(gateway, 'publish', 'chat/gateway/hall-1/x')).toBe(true);
  expect(may(gateway, 'publish', 'for/gateway/devices')).toBe(true);
  expect(may(grafana, 'publish', 'for//devices')).toBe(false);
  expect(identities.isCurrent(grafana as Principal)).toBe(true);
  store.revoke({ name: 'grafana', action: 'subscribe', filter: 'devices/+/+/telemetry' });
  expect(identities.isCurrent(grafana as Principal)).toBe(false);
  expect(identities.isCurrent(gateway as Principal)).toBe(true);
  store.grant({ name: '*', action: 'publish', filter: 'x' });
  expect(identities.isCurrent(gateway as Principal)).toBe(false);
});

test('a claim token makes the first device that comes with it known, and no other', async () => {
  const { store, login } = setup();
  const [token, late] = [newSecret(), newSecret()];
  const claim = { model: 'pump', createdAtMs: Date.now() };
  store.addClaims([
    { ...claim, hash: hashSecret(token), expiresAtMs: Date.now() + 60_000 },
    { ...claim, hash: hashSecret(late), expiresAtMs: Date.now() - 1 },
  ]);
  expect(store.openClaims(Date.now())).toEqual([{ model: 'pump', count: 1 }]);
  expect(await login('greenhouse/g1', token)).toBe('refused'); // of another model
  expect(await login('pump/p1', late)).toBe('refused');
  expect(await login('pump/p1', newSecret())).toBe('refused');
  const both = await Promise.all([login('pump/p7', token), login('pump/p8', token)]);
  expect(both.filter((one) => one === 'refused')).toHaveLength(1);
  expect(await login('pump/p7', token)).toMatchObject({
    name: 'pump/p7',
    device: { model: 'pump', id: 'p7' },
  });
  expect(await login('pump/p8', token)).toBe('refused');
  expect(store.openClaims(Date.now())).toEqual([]);
});

test('a device that is known cannot be claimed with a fresh token', async () => {
  const { store, login } = setup();
  const token = newSecret();
  store.put(device('pump', 'p1', hashSecret(newSecret())));
  store.addClaims([
    { hash: hashSecret(token), model: 'pump', createdAtMs: 0, expiresAtMs: Date.now() + 60_000 },
  ]);
  expect(await login('pump/p1', token)).toBe('refused');
  expect(store.openClaims(Date.now())).toEqual([{ model: 'pump', count: 1 }]);
});

test('a certificate stands for a name that is known, and for that one only', async () => {
  const { store, login } = setup();
  store.put(device('pump', 'p1', ''));
  expect(await login('', '', 'pump/p1')).toMatchObject({ name: 'pump/p1' });
  expect(await login('pump/p1', '', 'pump/p1')).toMatchObject({ name: 'pump/p1' });
  expect(await login('pump/p2', '', 'pump/p1')).toBe('refused');
  expect(await login('', '', 'pump/p9')).toBe('refused');
  expect(await login('pump/p1', '')).toBe('refused'); // no secret is no empty password
});

test('who guesses has to wait, and nobody else', async () => {
  const { store, login } = setup();
  store.put(device('pump', 'p1', hashSecret('mrg_right')));
  for (let n = 0; n < limits.failedLoginsMax; n++) await login('pump/p1', `mrg_wrong${n}`, null, '10.0.0.1');
  expect(await login('pump/p1', 'mrg_right', null, '10.0.0.1')).toBe('busy');
  expect(await login('pump/p1', 'mrg_right', null, '10.0.0.2')).toMatchObject({ name: 'pump/p1' });
});

test('what is remembered of failures ends with the window, and has a limit', () => {
  let nowMs = 0;
  const attempts = new Attempts(() => nowMs);
  for (let n = 0; n < limits.failedLoginsMax; n++) attempts.failed('a');
  expect(attempts.isBlocked('a')).toBe(true);
  nowMs = limits.failedLoginsWindowMs;
  expect(attempts.isBlocked('a')).toBe(false);
  for (let n = 0; n < limits.failedLoginsMax; n++) attempts.failed('b');
  for (let n = 0; n <= limits.failedSourcesMax; n++) attempts.failed(`source ${n}`);
  expect(attempts.isBlocked('b')).toBe(false); // the oldest, forgotten
});

test('checklist 16: passwords are checked some at a time; the rest is told to come back', async () => {
  const { store, login } = setup();
  store.put(user('anna', await hashPassword('correct horse')));
  const logins = Array.from({ length: limits.passwordChecksMax + 5 }, (_, n) =>
    login('anna', 'correct horse', null, `s${n}`),
  );
  const outcomes = await Promise.all(logins);
  expect(outcomes.filter((one) => one === 'busy')).toHaveLength(5);
  expect(outcomes.filter((one) => one instanceof Principal)).toHaveLength(limits.passwordChecksMax);
});

test('a database that fails lets nobody in, and ends nothing', async () => {
  const { store, identities, login } = setup();
  store.put(device('pump', 'p1', hashSecret('mrg_right')));
  expect(await login('pump/p1', 'mrg_right')).toMatchObject({ name: 'pump/p1' });
  identities.close(); // every statement fails from now on
  expect(await login('pump/p1', 'mrg_right')).toBe('busy');
});
