/** `mooring user`: people and programs that connect over MQTT, or log in to HTTP, with a name and a password. */
import { readFileSync } from 'node:fs';
import { hashPassword, hashSecret, newSecret, SCOPES, USER_NAME } from '../identity/index.ts';
import type { IdentityRow, IdentityStore, Role } from '../store/index.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation, type Option } from './command.ts';
import { REACH_OPTIONS, reachOf } from './http-tokens.ts';
import { checkedName, DATA_DIR_OPTION, knownRow, withIdentities } from './identity-file.ts';
import { readPassword } from './password-prompt.ts';
import { localTime, textTable } from './text-table.ts';

const PASSWORD_CHARACTERS_MIN = 8;
const PAGE = 1000;

const PASSWORD_OPTIONS: Readonly<Record<string, Option>> = {
  'password-file': {
    type: 'string',
    value: '<file>',
    meaning: 'file with the password in its first line; - is standard input',
    note: 'default: it is asked for on a terminal',
  },
  generate: { type: 'boolean', meaning: 'make a secret and print it, once' },
};

export const userCommands: Readonly<Record<string, Command>> = {
  list: {
    summary: 'who may connect',
    usage: '',
    arguments: { min: 0, max: 0 },
    options: DATA_DIR_OPTION,
    examples: ['mooring user', 'mooring user list --json'],
    run: list,
  },
  add: {
    summary: 'make a person or a program known',
    usage: '<name>',
    arguments: { min: 1, max: 1 },
    options: {
      role: {
        type: 'string',
        value: '<role>',
        meaning: 'user (may do what it is granted) or admin (may do everything); default user',
      },
      ...PASSWORD_OPTIONS,
      ...REACH_OPTIONS,
      ...DATA_DIR_OPTION,
    },
    details:
      'From the first user or token on, nobody connects over MQTT without a name and a secret. A running bridge sees\n' +
      'the change within a second. What a user may over MQTT: mooring acl allow; over HTTP and in the dashboard: --scopes.',
    examples: [
      'mooring user add anna --role admin',
      'mooring user add grafana --generate',
      'mooring user add anna --password-file -  < secret.txt',
    ],
    run: add,
  },
  password: {
    summary: 'give somebody another password; open connections end',
    usage: '<name>',
    arguments: { min: 1, max: 1 },
    options: { ...PASSWORD_OPTIONS, ...DATA_DIR_OPTION },
    examples: ['mooring user password anna', 'mooring user password pump/p1 --generate'],
    run: changePassword,
  },
  scopes: {
    summary: 'what a user may over HTTP and in the dashboard; open connections end',
    usage: '<name> <scopes|none>',
    arguments: { min: 2, max: 2 },
    options: { agents: REACH_OPTIONS['agents'] as Option, ...DATA_DIR_OPTION }, // it is there
    details: `Scopes are some of ${SCOPES.join(',')}; what each is good for is in docs/security.md.`,
    examples: ['mooring user scopes anna read,approve', "mooring user scopes bert read --agents 'pump/*'"],
    run: changeScopes,
  },
  remove: {
    summary: 'let somebody connect no more; open connections end',
    usage: '<name>',
    arguments: { min: 1, max: 1 },
    options: DATA_DIR_OPTION,
    examples: ['mooring user remove anna', 'mooring user remove pump/p1'],
    run: remove,
  },
};

function list(invocation: Invocation): Promise<number> {
  return withIdentities(invocation, (store) => {
    const rows = [...allRows(store)];
    const claims = store.openClaims(Date.now());
    const http = new Map(store.http.users().map(({ name, scopes, agents }) => [name, { scopes, agents }]));
    if (invocation.isJson) {
      const items = rows.map(({ name, role, createdAtMs }) => ({
        name,
        role,
        createdAtMs,
        http: http.get(name) ?? null,
      }));
      return printJson({ items, openClaims: claims });
    }
    if (rows.length === 0 && claims.length === 0) {
      process.stdout.write(
        'nobody is known: everybody on this machine may connect, and nobody from others\n',
      );
      return EXIT.ok;
    }
    const reachText = (name: string, role: Role): string => {
      const { scopes, agents } = http.get(name) ?? { scopes: role === 'admin' ? 'admin' : '-', agents: '*' };
      return agents === '*' ? scopes : `${scopes} for ${agents}`;
    };
    const lines = rows.map(({ name, role, createdAtMs }) => [
      name,
      role,
      localTime(createdAtMs),
      reachText(name, role),
    ]);
    process.stdout.write(textTable(['NAME', 'ROLE', 'SINCE', 'HTTP'], lines));
    for (const { model, count } of claims)
      process.stdout.write(`${count} claim tokens of ${model} were not used yet\n`);
    return EXIT.ok;
  });
}

function* allRows(store: IdentityStore): Generator<IdentityRow> {
  for (let after = ''; ;) {
    const rows = store.list(after, PAGE);
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.name ?? '';
  }
}

function add(invocation: Invocation): Promise<number> {
  const [name = ''] = invocation.positionals;
  if (!USER_NAME.test(name)) {
    throw new UsageError(
      `${JSON.stringify(name)} can be no user; a device is made known by: mooring token create --model <model> --id <id>`,
    );
  }
  const { role = 'user' } = invocation.values;
  if (role !== 'user' && role !== 'admin') {
    throw new UsageError(`--role is ${JSON.stringify(role)}; allowed are user, admin`);
  }
  const hasReach = invocation.values['scopes'] !== undefined || invocation.values['agents'] !== undefined;
  const reach = hasReach ? reachOf(invocation) : null;
  return withIdentities(invocation, async (store) => {
    if (store.find(name) !== undefined) {
      throw new UsageError(`${name} is known already; another password: mooring user password ${name}`);
    }
    const given = await secretOf(invocation);
    store.put({
      name,
      role: role satisfies Role,
      model: '',
      id: '',
      secret: given.hash,
      createdAtMs: Date.now(),
    });
    if (reach !== null) store.http.putUser({ name, ...reach });
    return tell(invocation, name, given.shown, `${name} may connect now`);
  });
}

function changePassword(invocation: Invocation): Promise<number> {
  const [name = ''] = invocation.positionals;
  return withIdentities(invocation, async (store) => {
    const { version, ...row } = knownRow(store, name);
    const given = await secretOf(invocation);
    store.put({ ...row, secret: given.hash });
    return tell(invocation, name, given.shown, `${name} has another password (change ${version + 1})`);
  });
}

function changeScopes(invocation: Invocation): Promise<number> {
  const [name = '', scopes = ''] = invocation.positionals;
  const reach =
    scopes === 'none' ? null : reachOf({ ...invocation, values: { ...invocation.values, scopes } });
  if (!USER_NAME.test(name))
    throw new UsageError(`${JSON.stringify(name)} is no user; devices do not log in`);
  return withIdentities(invocation, (store) => {
    knownRow(store, name);
    if (reach === null) store.http.removeUser(name);
    else store.http.putUser({ name, ...reach });
    const may =
      reach === null
        ? 'may nothing over HTTP that its role does not let it'
        : `may ${reach.scopes} for ${reach.agents}`;
    return tell(invocation, name, null, `${name} ${may}`);
  });
}

function remove(invocation: Invocation): Promise<number> {
  const [name = ''] = invocation.positionals;
  return withIdentities(invocation, (store) => {
    knownRow(store, checkedName(name));
    store.remove(name);
    return tell(invocation, name, null, `${name} may not connect any more`);
  });
}

/** The hash of what was typed, or of what was made, which is then shown. */
async function secretOf({ values }: Invocation): Promise<{ hash: string; shown: string | null }> {
  if (values['generate'] !== undefined) {
    const secret = newSecret();
    return { hash: hashSecret(secret), shown: secret };
  }
  const path = values['password-file'];
  const password =
    path === undefined
      ? await readPassword()
      : (readFileSync(path === '-' ? 0 : path, 'utf8').split(/\r?\n/)[0] ?? '');
  if (password.length < PASSWORD_CHARACTERS_MIN)
    throw new UsageError(`a password has at least ${PASSWORD_CHARACTERS_MIN} characters`);
  return { hash: await hashPassword(password), shown: null };
}

function tell({ isJson }: Invocation, name: string, secret: string | null, sentence: string): number {
  if (isJson) return printJson(secret === null ? { name } : { name, secret });
  process.stdout.write(secret === null ? `${sentence}\n` : `${secret}\n`);
  if (secret !== null) process.stderr.write(`${sentence}, with this secret; it is not shown again\n`);
  return EXIT.ok;
}
