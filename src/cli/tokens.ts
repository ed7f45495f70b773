/** `mooring token`: secrets of devices, made here, and claim tokens with which devices make themselves known. */
import { isAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import { hashSecret, newSecret } from '../identity/index.ts';
import { EXIT, printJson, UsageError, wholeNumber, type Command, type Invocation } from './command.ts';
import { DATA_DIR_OPTION, withIdentities } from './identity-file.ts';
import {
  createHttpToken,
  HTTP_TOKEN_OPTIONS,
  httpTokenTable,
  listedHttpTokens,
  refuseHttpOptions,
  revokeHttpToken,
} from './http-tokens.ts';
import { localTime, textTable } from './text-table.ts';

const DAY_MS = 86_400_000;
const CLAIM_DAYS = 30;
const CLAIM_DAYS_MAX = 3650;

export const tokenCommands: Readonly<Record<string, Command>> = {
  list: {
    summary: 'claim tokens nobody has come with yet, by model, and tokens for HTTP',
    usage: '',
    arguments: { min: 0, max: 0 },
    options: DATA_DIR_OPTION,
    examples: ['mooring token', 'mooring token list --json'],
    run: list,
  },
  create: {
    summary: 'a secret for one device, claim tokens for many, or a token for HTTP',
    usage: '',
    arguments: { min: 0, max: 0 },
    options: {
      model: { type: 'string', value: '<model>', meaning: 'what the device is' },
      id: { type: 'string', value: '<id>', meaning: 'which one it is: its secret is printed, once' },
      count: {
        type: 'string',
        value: '<n>',
        meaning: `without --id: so many claim tokens, one a line (default 1, at most ${limits.claimsAtOnceMax})`,
      },
      days: {
        type: 'string',
        value: '<n>',
        meaning: `how long a claim token waits for its device (default ${CLAIM_DAYS})`,
      },
      ...HTTP_TOKEN_OPTIONS,
      ...DATA_DIR_OPTION,
    },
    details:
      'A device connects with the user name <model>/<id> and its secret as password; it may speak for itself and for\n' +
      'nobody else. A claim token is for a device whose id is not known yet: the first that comes with it, as\n' +
      '<model>/<its id>, is that device from then on, and the token is its secret.\n' +
      'With --http: a token for the HTTP API, MCP and WebSockets, good for what its scopes say (docs/security.md).',
    examples: [
      'mooring token create --model pump --id p1',
      'mooring token create --model pump --count 100 > tokens.txt',
      "mooring token create --http --name ci --scopes read,act --agents 'pump/*' --days 90",
    ],
    run: create,
  },
  revoke: {
    summary: 'throw away the claim tokens of a model that nobody has come with, or a token for HTTP',
    usage: '<model, or name with --http>',
    arguments: { min: 1, max: 1 },
    options: {
      http: { type: 'boolean', meaning: 'the token for HTTP of this name; its connections end' },
      ...DATA_DIR_OPTION,
    },
    details: 'A device that is known already is removed by: mooring user remove <model>/<id>',
    examples: ['mooring token revoke pump', 'mooring token revoke --http ci'],
    run: revoke,
  },
};

function list(invocation: Invocation): Promise<number> {
  return withIdentities(invocation, (store) => {
    const items = store.openClaims(Date.now());
    const http = listedHttpTokens(store);
    if (invocation.isJson) return printJson({ items, http });
    const rows = items.map(({ model, count }) => [model, String(count)]);
    process.stdout.write(
      rows.length === 0 ? 'no claim tokens wait\n' : textTable(['MODEL', 'WAITING'], rows),
    );
    if (http.length > 0) process.stdout.write(`\n${httpTokenTable(http)}`);
    return EXIT.ok;
  });
}

function create(invocation: Invocation): Promise<number> {
  const { model, id } = invocation.values;
  if (invocation.values['http'] !== undefined) return createHttpToken(invocation);
  refuseHttpOptions(invocation);
  if (model === undefined) throw new UsageError('which model? --model <model>; see: mooring devices');
  const count = wholeNumber(invocation, 'count', { min: 1, max: limits.claimsAtOnceMax });
  const days = wholeNumber(invocation, 'days', { min: 1, max: CLAIM_DAYS_MAX });
  if (!isAddress(model, id ?? 'x'))
    throw new UsageError(
      `${JSON.stringify(id === undefined ? model : `${model}/${id}`)} is no device; allowed is e.g. pump/p1`,
    );
  if (id === undefined) return createClaims(invocation, model, count ?? 1, days ?? CLAIM_DAYS);
  if (count !== undefined || days !== undefined)
    throw new UsageError('--count and --days are for claim tokens, which have no --id');
  return createSecret(invocation, model, id);
}

function createSecret(invocation: Invocation, model: string, id: string): Promise<number> {
  const name = `${model}/${id}`;
  return withIdentities(invocation, (store) => {
    if (store.find(name) !== undefined)
      throw new UsageError(
        `${name} is known already; another secret: mooring user password ${name} --generate`,
      );
    const secret = newSecret();
    store.put({ name, role: 'device', model, id, secret: hashSecret(secret), createdAtMs: Date.now() });
    if (invocation.isJson) return printJson({ name, secret });
    process.stdout.write(`${secret}\n`);
    process.stderr.write(`${name} connects with this name and this secret; it is not shown again\n`);
    return EXIT.ok;
  });
}

function createClaims(invocation: Invocation, model: string, count: number, days: number): Promise<number> {
  const createdAtMs = Date.now();
  const expiresAtMs = createdAtMs + days * DAY_MS;
  const tokens = Array.from({ length: count }, newSecret);
  return withIdentities(invocation, (store) => {
    store.addClaims(tokens.map((token) => ({ hash: hashSecret(token), model, createdAtMs, expiresAtMs })));
    if (invocation.isJson) return printJson({ model, expiresAtMs, tokens });
    process.stdout.write(`${tokens.join('\n')}\n`);
    process.stderr.write(
      `${count} claim tokens, good until ${localTime(expiresAtMs)}: a device connects as ${model}/<its id> with one as password\n`,
    );
    return EXIT.ok;
  });
}

function revoke(invocation: Invocation): Promise<number> {
  const [model = ''] = invocation.positionals;
  if (invocation.values['http'] !== undefined) return revokeHttpToken(invocation, model);
  return withIdentities(invocation, (store) => {
    const removed = store.removeClaims(model);
    if (invocation.isJson) return printJson({ model, removed });
    process.stdout.write(`${removed} claim tokens of ${model} are of no more use\n`);
    return EXIT.ok;
  });
}
