import { expect, onTestFinished, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { HttpCallers, hashPassword, hashSecret, Identities, newHttpToken } from '../../src/identity/index.ts';
import { parseAgents, parseScopes, reaches } from '../../src/identity/scopes.ts';
import type { HttpTokens } from '../../src/identity/http-callers.ts';
import { IdentityStore } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';

const NONE: HttpTokens = { adminToken: null, readToken: null, actToken: null };

function setup(tokens = NONE, mayBeOpen = true) {
  const dataDir = temporaryDir();
  const store = new IdentityStore(dataDir);
  const open = (): { identities: Identities; callers: HttpCallers } => {
    const identities = new Identities(dataDir);
    onTestFinished(() => identities.close());
    return { identities, callers: new HttpCallers(tokens, identities, mayBeOpen) };
  };
  onTestFinished(() => store.close());
  return { store, open };
}

const tokenRow = (token: string, scopes: string, agents = '*', expiresAtMs: number | null = null) =>
  ({ name: 'ci', hash: hashSecret(token), scopes, agents, createdAtMs: 0, expiresAtMs }) as const;

test('scopes and agents are read as they were typed, and nothing that is none widens them', () => {
  expect(parseScopes('act, read')).toEqual(['read', 'act']);
  for (const bad of ['', ' ', 'read,write', 'READ', '*']) expect(parseScopes(bad)).toBeUndefined();
  expect(parseAgents('*')).toBeNull();
  expect(parseAgents('pump/*, greenhouse/g7')).toEqual(['pump/*', 'greenhouse/g7']);
  for (const bad of ['', '*,pump/*', 'pump', '*/p1', 'pump/#', 'pump/p*', 'Pump/p1', 'a/b/c'])
    expect(parseAgents(bad)).toBeUndefined();
  const agents = parseAgents('pump/*,greenhouse/g7') ?? null;
  const isReached = (model: string, id: string): boolean => reaches(agents, { model, id });
  expect([isReached('pump', 'p1'), isReached('greenhouse', 'g7')]).toEqual([true, true]);
  expect([isReached('pumps', 'p1'), isReached('greenhouse', 'g70'), isReached('*', 'x')]).toEqual([
    false,
    false,
    false,
  ]);
});

test('nobody is asked until somebody is known; where others can ask, everybody is', () => {
  const { store, open } = setup();
  expect(open().callers.isOpen).toBe(true);
  store.http.addToken(tokenRow(newHttpToken(), 'read'));
  expect(open().callers.isOpen).toBe(false);
  expect(setup(NONE, false).open().callers.isOpen).toBe(false);
  expect(setup({ ...NONE, adminToken: 'x' }).open().callers.isOpen).toBe(false);
});

test('a token is good for what its row says, until its end, and no longer than it is there', async () => {
  const { store, open } = setup();
  const token = newHttpToken();
  store.http.addToken(tokenRow(token, 'read,act', 'pump/*', Date.now() + 60_000));
  const { callers } = open();
  const found = await callers.find(token, 'here');
  if (found.kind !== 'caller') throw new Error(found.kind);
  const { caller } = found;
  expect([caller.label, caller.person]).toEqual(['token:ci', null]);
  expect((['read', 'act', 'approve', 'admin'] as const).map((scope) => caller.may(scope))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(caller.isCurrent).toBe(true);
  store.http.removeToken('ci');
  expect(caller.isCurrent).toBe(false);
  expect((await callers.find(token, 'here')).kind).toBe('unknown');
  store.http.addToken(tokenRow(token, 'read', '*', Date.now() - 1));
  expect((await callers.find(token, 'here')).kind).toBe('unknown');
  store.http.removeToken('ci');
  store.http.addToken(tokenRow(token, 'read,everything')); // by whoever edited the file: no grant
  expect((await callers.find(token, 'here')).kind).toBe('unknown');
});

test('a user logs in, and is out with another password, other scopes, or by saying so', async () => {
  const { store, open } = setup();
  const secret = await hashPassword('correct horse');
  const anna = { name: 'anna', role: 'user', model: '', id: '', secret, createdAtMs: 0 } as const;
  store.put(anna);
  const { callers } = open();
  expect(await callers.login('anna', 'correct horse', 'here')).toEqual({ kind: 'weak', name: 'anna' });
  store.http.putUser({ name: 'anna', scopes: 'read,approve', agents: '*' });
  const login = async () => {
    const answer = await callers.login('anna', 'correct horse', 'here');
    if (answer.kind !== 'login') throw new Error(answer.kind);
    return answer;
  };
  const { token, caller } = await login();
  expect([caller.label, caller.person, caller.may('approve'), caller.may('admin')]).toEqual([
    'user:anna',
    'anna',
    true,
    false,
  ]);
  expect((await callers.find(token, 'here')).kind).toBe('caller');
  store.http.putUser({ name: 'anna', scopes: 'read', agents: '*' });
  expect(caller.isCurrent).toBe(false);
  const again = await login();
  expect(callers.logout(again.token)).toBe(true);
  expect(again.caller.isCurrent).toBe(false);
  const third = await login();
  store.put({ ...anna, secret: hashSecret('mrg_other') });
  expect(third.caller.isCurrent).toBe(false);
  expect((await callers.find(third.token, 'here')).kind).toBe('unknown');
  expect((await callers.login('anna', 'correct horse', 'here')).kind).toBe('unknown');
});

test('who guesses waits; who has a token that holds does not, though they come from the same address', async () => {
  const { store, open } = setup();
  const token = newHttpToken();
  store.http.addToken(tokenRow(token, 'read'));
  const { callers } = open();
  for (let tries = 0; tries < limits.failedLoginsMax; tries++)
    expect((await callers.find(newHttpToken(), 'proxy')).kind).toBe('unknown');
  expect(await callers.find(newHttpToken(), 'proxy')).toMatchObject({ kind: 'wait' });
  expect(await callers.login('anna', 'x', 'proxy')).toMatchObject({ kind: 'wait' });
  expect((await callers.find(newHttpToken(), 'elsewhere')).kind).toBe('unknown');
  expect((await callers.find(token, 'proxy')).kind).toBe('caller');
});

test('a claim token is no password, and is not used up by whoever tries it as one', async () => {
  const { store, open } = setup();
  const claim = 'mrg_0123456789abcdefghijkl';
  store.addClaims([
    { hash: hashSecret(claim), model: 'pump', createdAtMs: 0, expiresAtMs: Date.now() + 60_000 },
  ]);
  const { callers } = open();
  expect((await callers.login('pump/p1', claim, 'here')).kind).toBe('unknown');
  expect(store.openClaims(Date.now())).toEqual([{ model: 'pump', count: 1 }]);
});
