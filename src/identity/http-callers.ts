/**
 * Who asks over HTTP. Somebody shows a bearer token, which is one of: a token of the settings, one that `mooring token create
 * --http` made, what a user got who logged in, or a JSON Web Token of the issuer. As long as there is nothing of all that, and
 * the bridge serves its own machine only, nobody is asked.
 *
 * I1 A wrong token takes as long as a right one: hashes are compared, in constant time or as keys of a table.
 * I2 What was proved holds until it ends or something about it changes (`Caller.isCurrent`); both end open connections.
 * I3 Who fails too often waits (`Attempts`). Who shows a token that holds is let in all the same: a proxy's address is many's.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { limits } from '../base/limits.ts';
import type { HttpTokenRow, HttpUserRow, IdentityStore } from '../store/index.ts';
import { Caller } from './caller.ts';
import type { Identities } from './identities.ts';
import { looksLikeJwt } from './jwt.ts';
import { USER_NAME } from './principal.ts';
import { ALL_SCOPES, parseAgents, parseScopes, type Reach, type Scope } from './scopes.ts';
import { hashSecret, isHttpToken, newHttpToken } from './secrets.ts';
import { vouchedReach } from './vouched.ts';

/** Tokens of the settings; null: there is none. */
export interface HttpTokens {
  readonly adminToken: string | null;
  readonly readToken: string | null;
  readonly actToken: string | null;
}

/** Why nobody is let in. `wait`: too many failed there. `weak`: known, and may do nothing over HTTP. */
type HttpRefusal =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'weak'; readonly name: string }
  | { readonly kind: 'wait'; readonly waitMs: number };

type FoundCaller = { readonly kind: 'caller'; readonly caller: Caller } | HttpRefusal;

/** What a user gets who logged in: a token, to be shown once. */
export type LoginAnswer =
  { readonly kind: 'login'; readonly token: string; readonly caller: Caller } | HttpRefusal;

const UNKNOWN: HttpRefusal = { kind: 'unknown' };
/** The names they always had in logs. */
const SETTINGS: readonly [keyof HttpTokens, string, readonly Scope[]][] = [
  ['adminToken', 'admin', ['admin']],
  ['readToken', 'reader', ['read']],
  ['actToken', 'operator', ['read', 'act']],
];

/** See the head of this file. */
export class HttpCallers {
  readonly #identities: Identities | null;
  readonly #mayBeOpen: boolean;
  readonly #fixed: readonly { readonly hash: Buffer; readonly caller: Caller }[];

  /** @param mayBeOpen whether only this machine can ask */
  constructor(tokens: HttpTokens, identities: Identities | null, mayBeOpen: boolean) {
    this.#identities = identities;
    this.#mayBeOpen = mayBeOpen;
    this.#fixed = SETTINGS.flatMap(([key, name, scopes]) => {
      const token = tokens[key];
      const reach = { scopes: new Set(scopes), agents: null };
      const caller = new Caller({ proof: 'setting', name, reach, expiresAtMs: null, holds: () => true });
      return token === null ? [] : [{ hash: sha256(token), caller }];
    });
  }

  /** Nobody is asked. */
  get isOpen(): boolean {
    return this.#mayBeOpen && this.#fixed.length === 0 && this.#identities?.hasHttp !== true;
  }

  /** Who shows this token. Never rejects for what it is. */
  async find(token: string, source: string): Promise<FoundCaller> {
    const fixed = this.#fixedCaller(token);
    if (fixed !== undefined) return { kind: 'caller', caller: fixed };
    const store = this.#identities?.store ?? null;
    if (store !== null && isHttpToken(token)) {
      const found = tokenCaller(store, token) ?? loginCaller(store, token);
      if (found !== undefined) return { kind: 'caller', caller: found };
    }
    const waitMs = this.#identities?.attempts.waitMs(source) ?? 0;
    if (waitMs > 0) return { kind: 'wait', waitMs };
    const vouched = looksLikeJwt(token) ? await this.#vouched(token) : UNKNOWN;
    if (vouched.kind === 'unknown') this.#identities?.attempts.failed(source);
    return vouched;
  }

  /** Lets a user in with name and password. Rejects with what the database throws only. */
  async login(name: string, password: string, source: string): Promise<LoginAnswer> {
    const identities = this.#identities;
    const waitMs = identities?.attempts.waitMs(source) ?? 0;
    if (waitMs > 0) return { kind: 'wait', waitMs };
    // Devices have no business here, and a claim token must not be used up here.
    if (identities === null || !USER_NAME.test(name) || looksLikeJwt(password)) {
      identities?.attempts.failed(source);
      return UNKNOWN;
    }
    const principal = await identities.authenticate({ name, password, certificateName: null, source });
    if (principal === 'busy') return { kind: 'wait', waitMs: 1000 };
    const store = identities.store;
    if (principal === 'refused' || store === null) return UNKNOWN;
    if (userReach(store, name) === undefined) return { kind: 'weak', name };
    const token = newHttpToken();
    const createdAtMs = Date.now();
    const expiresAtMs = createdAtMs + limits.loginMs;
    const { version } = principal;
    store.http.addLogin(
      { hash: hashSecret(token), name, version, createdAtMs, expiresAtMs },
      limits.loginsPerUserMax,
    );
    const caller = loginCaller(store, token);
    return caller === undefined ? UNKNOWN : { kind: 'login', token, caller };
  }

  /** Ends what `login` gave. @returns whether it was one */
  logout(token: string): boolean {
    const hasEnded =
      isHttpToken(token) && this.#identities?.store?.http.removeLogin(hashSecret(token)) === true;
    if (hasEnded) this.#identities.onHttpChange(); // what this process changes, it does not see from outside
    return hasEnded;
  }

  #fixedCaller(token: string): Caller | undefined {
    const given = sha256(token); // hashes: timingSafeEqual needs equal lengths, and the length is part of the secret
    return this.#fixed.find(({ hash }) => timingSafeEqual(given, hash))?.caller;
  }

  async #vouched(token: string): Promise<FoundCaller> {
    const jwt = this.#identities?.jwt ?? null;
    const claims = (await jwt?.verify(token)) ?? null;
    if (jwt === null || claims === null) return UNKNOWN;
    const { subject: name, expiresAtMs, generation } = claims;
    const reach = vouchedReach(claims);
    if (reach === null) return { kind: 'weak', name };
    const holds = (): boolean => jwt.generation === generation;
    return { kind: 'caller', caller: new Caller({ proof: 'jwt', name, reach, expiresAtMs, holds }) };
  }
}

function tokenCaller(store: IdentityStore, token: string): Caller | undefined {
  const row = store.http.tokenByHash(hashSecret(token));
  if (row === undefined || (row.expiresAtMs !== null && row.expiresAtMs <= Date.now())) return undefined;
  const reach = reachOf(row);
  const holds = (): boolean => store.http.tokenByName(row.name)?.hash === row.hash;
  if (reach === undefined) return undefined;
  return new Caller({ proof: 'token', name: row.name, reach, expiresAtMs: row.expiresAtMs, holds });
}

function loginCaller(store: IdentityStore, token: string): Caller | undefined {
  const login = store.http.login(hashSecret(token));
  if (login === undefined || login.expiresAtMs <= Date.now()) return undefined;
  const { name, version, expiresAtMs, hash } = login;
  const reach = userReach(store, name);
  if (reach === undefined || store.find(name)?.version !== version) return undefined; // another password, other rights
  const holds = (): boolean =>
    store.find(name)?.version === version &&
    store.http.login(hash) !== undefined &&
    isSameReach(userReach(store, name), reach);
  return new Caller({ proof: 'user', name, reach, expiresAtMs, holds });
}

/** An admin may all; other users what was said of them. */
function userReach(store: IdentityStore, name: string): Reach | undefined {
  const row = store.http.user(name);
  if (row !== undefined) return reachOf(row);
  return store.find(name)?.role === 'admin' ? { scopes: ALL_SCOPES, agents: null } : undefined;
}

/** Undefined: what stands there is no grant, so nothing is granted. */
function reachOf({
  scopes,
  agents,
}: Pick<HttpTokenRow | HttpUserRow, 'scopes' | 'agents'>): Reach | undefined {
  const words = parseScopes(scopes);
  const patterns = parseAgents(agents);
  return words === undefined || patterns === undefined
    ? undefined
    : { scopes: new Set(words), agents: patterns };
}

function isSameReach(one: Reach | undefined, other: Reach): boolean {
  const text = ({ scopes, agents }: Reach): string => JSON.stringify([[...scopes], agents]);
  return one !== undefined && text(one) === text(other);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
