/** Tokens for HTTP, MCP and WebSockets: those of `mooring token --http`, and what users may there. */
import { limits } from '../base/limits.ts';
import { hashSecret, newHttpToken, parseAgents, parseScopes, SCOPES, USER_NAME } from '../identity/index.ts';
import type { HttpTokenRow, IdentityStore } from '../store/index.ts';
import { EXIT, printJson, UsageError, wholeNumber, type Invocation, type Option } from './command.ts';
import { withIdentities } from './identity-file.ts';
import { localTime, textTable } from './text-table.ts';

const DAY_MS = 86_400_000;
const DAYS_MAX = 3650;

/** What HTTP tokens and users of HTTP have. */
export const REACH_OPTIONS: Readonly<Record<string, Option>> = {
  scopes: {
    type: 'string',
    value: '<scopes>',
    meaning: `what it is good for over HTTP, some of ${SCOPES.join(',')}`,
  },
  agents: {
    type: 'string',
    value: '<agents>',
    meaning: "for which, e.g. 'pump/*,greenhouse/g7' (default '*': all)",
  },
};

export const HTTP_TOKEN_OPTIONS: Readonly<Record<string, Option>> = {
  http: {
    type: 'boolean',
    meaning: 'a token for HTTP, MCP and WebSockets; --days: how long it is good (default: for ever)',
  },
  name: {
    type: 'string',
    value: '<name>',
    meaning: 'with --http: who or what it is for, as the audit log has it',
  },
  ...REACH_OPTIONS,
};

/** What `--scopes` and `--agents` say, as it is stored. @throws UsageError */
export function reachOf({ values }: Invocation): { scopes: string; agents: string } {
  const { scopes: said, agents = '*' } = values;
  const scopes = parseScopes(said ?? '');
  if (scopes === undefined)
    throw new UsageError(
      `--scopes is ${JSON.stringify(said ?? '')}; allowed are some of ${SCOPES.join(',')}`,
    );
  const patterns = parseAgents(agents);
  if (patterns === undefined)
    throw new UsageError(
      `--agents is ${JSON.stringify(agents)}; allowed is e.g. pump/*,greenhouse/g7, or * for all`,
    );
  return { scopes: scopes.join(','), agents: patterns?.join(',') ?? '*' };
}

/** @throws UsageError when one of them was given without `--http` */
export function refuseHttpOptions({ values }: Invocation): void {
  const given = ['name', 'scopes', 'agents'].find((option) => values[option] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} is for tokens with --http`);
}

export function createHttpToken(invocation: Invocation): Promise<number> {
  const { name = '' } = invocation.values;
  const other = ['model', 'id', 'count'].find((option) => invocation.values[option] !== undefined);
  if (other !== undefined) throw new UsageError(`--${other} is for devices; a token for HTTP takes --agents`);
  if (!USER_NAME.test(name))
    throw new UsageError(`--name is ${JSON.stringify(name)}; allowed are 1..128 letters, digits, . _ ~ : -`);
  const reach = reachOf(invocation);
  const days = wholeNumber(invocation, 'days', { min: 1, max: DAYS_MAX });
  const createdAtMs = Date.now();
  const expiresAtMs = days === undefined ? null : createdAtMs + days * DAY_MS;
  return withIdentities(invocation, ({ http }) => {
    if (http.tokenByName(name) !== undefined)
      throw new UsageError(
        `there is a token ${name}; throw it away first: mooring token revoke --http ${name}`,
      );
    if (http.tokens().length >= limits.httpTokensMax)
      throw new UsageError(`there are ${limits.httpTokensMax} tokens for HTTP already: revoke some`);
    const token = newHttpToken();
    http.addToken({ name, hash: hashSecret(token), ...reach, createdAtMs, expiresAtMs });
    if (invocation.isJson) return printJson({ name, token, ...reach, expiresAtMs });
    process.stdout.write(`${token}\n`);
    const until = expiresAtMs === null ? '' : `, until ${localTime(expiresAtMs)}`;
    process.stderr.write(`${name} may ${reach.scopes} for ${reach.agents}${until}; it is not shown again\n`);
    return EXIT.ok;
  });
}

export function revokeHttpToken(invocation: Invocation, name: string): Promise<number> {
  return withIdentities(invocation, ({ http }) => {
    if (!http.removeToken(name))
      throw new UsageError(`there is no token for HTTP ${JSON.stringify(name)}; see: mooring token list`);
    if (invocation.isJson) return printJson({ name });
    process.stdout.write(`the token ${name} is of no more use\n`);
    return EXIT.ok;
  });
}

type ListedToken = Omit<HttpTokenRow, 'hash'>;

/** Without their hashes: nobody needs to see them. */
export function listedHttpTokens({ http }: IdentityStore): ListedToken[] {
  return http.tokens().map(({ hash: _hash, ...row }) => row);
}

export function httpTokenTable(tokens: readonly ListedToken[]): string {
  const rows = tokens.map(({ name, scopes, agents, expiresAtMs }) => [
    ...[name, scopes, agents],
    expiresAtMs === null ? 'never' : localTime(expiresAtMs),
  ]);
  return textTable(['HTTP TOKEN', 'SCOPES', 'AGENTS', 'ENDS'], rows);
}
