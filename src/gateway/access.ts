/**
 * Who may ask. Two situations:
 *
 * - Nobody is asked (no token, no user, no issuer): everything is open, but only to this machine. What stands between a web
 *   page and the bridge then is the browser's same-origin rule, so the Host header must name this machine (a rebound
 *   DNS name does not) and whatever changes something must come from our own origin or from no browser.
 * - Else a token must come with every request for /api, /metrics, /mcp and /agents, and hold for what is asked (`scopes.ts`).
 *   Host may be anything (a proxy, a public name); Origin is still checked, as the contract says.
 */
import type { IncomingMessage } from 'node:http';
import type { AgentAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import type { Caller, HttpCallers, Scope } from '../identity/index.ts';
import { HttpError, tooMany } from './problem.ts';
import type { RequestRates } from './request-rates.ts';

const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/;
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[?::1\]?)\.?$/i;
const PROTECTED = /^\/(api|metrics|agents|mcp)(\/|$)/;
/** Where a token comes from. */
const LOGIN = '/api/login';
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

export interface AccessPolicy {
  /** The address the server was asked to listen on. */
  readonly host: string;
  readonly callers: HttpCallers;
  readonly rates: RequestRates;
}

interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Whether a server bound to `host` is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Lets the request through or rejects with BRG_FORBIDDEN (Host, Origin), BRG_UNAUTHORIZED (token) or BRG_RATE.
 * `isAgent`: what is asked is an author's code, which may change something whatever the method.
 * Resolves to who asks; null: nobody was asked. What they may is for `checkScope`.
 */
export async function authorize(
  policy: AccessPolicy,
  request: IncomingMessage,
  target: Target,
  isAgent: boolean,
): Promise<Caller | null> {
  const { callers, rates } = policy;
  if (callers.isOpen) checkHost(policy, request.headers.host);
  if (isAgent || !SAFE_METHODS.includes(request.method ?? 'GET')) checkOrigin(request);
  if (callers.isOpen || !PROTECTED.test(target.path) || target.path === LOGIN) return null;
  const token = tokenOf(request, target);
  if (token === null) throw unauthorized(null);
  const found = await callers.find(token, sourceOf(request));
  switch (found.kind) {
    case 'caller': {
      const waitMs = rates.take(found.caller.label);
      if (waitMs > 0) throw tooMany('too many requests with this token', waitMs);
      return found.caller;
    }
    case 'wait':
      throw tooMany('too many tokens from this address were not valid', found.waitMs);
    case 'weak':
      throw new BridgeError(
        'BRG_FORBIDDEN',
        `${found.name} may do nothing over HTTP: its token names no scope`,
      );
    case 'unknown':
      throw unauthorized('the token is not valid');
  }
}

/** The same for a browser that an authorization server sends back: it was followed here, and has no token of ours. */
export function authorizeReturn(policy: AccessPolicy, request: IncomingMessage): void {
  if (policy.callers.isOpen) checkHost(policy, request.headers.host);
  checkOrigin(request);
}

/** Throws BRG_FORBIDDEN unless who asks may do what is of this scope. Null: nobody was asked. */
export function checkScope(caller: Caller | null, scope: Scope): void {
  if (caller === null || caller.may(scope)) return;
  throw new BridgeError('BRG_FORBIDDEN', `${caller.label} may not do this: it takes the scope "${scope}"`, {
    details: { scope },
  });
}

/** Throws BRG_FORBIDDEN unless the agent is one of those who asks reaches. */
export function checkReach(caller: Caller | null, address: AgentAddress): void {
  if (caller === null || caller.mayReach(address)) return;
  throw new BridgeError('BRG_FORBIDDEN', `${caller.label} is not for ${address.model}/${address.id}`);
}

/** Throws BRG_FORBIDDEN for what concerns all agents, when who asks is bound to some. */
export function checkUnbound(caller: Caller | null): void {
  if (caller === null || caller.isUnbound) return;
  throw new BridgeError('BRG_FORBIDDEN', `${caller.label} is for some agents only, and this concerns all`);
}

/** The token of a request; null: none came with it. */
export function tokenOf(request: IncomingMessage, { query }: Target): string | null {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? query.get('token');
}

/** Where a request comes from, as the failed logins are counted. */
export function sourceOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? '';
}

/** 401 with the challenge of RFC 6750 section 3. @param why null: nothing was shown */
export function unauthorized(why: string | null): HttpError {
  return new HttpError(
    'BRG_UNAUTHORIZED',
    why ?? 'send a token as "Authorization: Bearer <token>" or "?token=<token>"',
    { 'www-authenticate': why === null ? 'Bearer' : 'Bearer error="invalid_token"' },
  );
}

/** DNS rebinding: a page of evil.example reaches 127.0.0.1 by its own name, which is what Host then says. */
function checkHost(policy: AccessPolicy, host: string | undefined): void {
  if (host === undefined) return; // HTTP/1.0: no browser
  const name = HOST.exec(host)?.[1];
  if (name !== undefined && (isLoopbackHost(name) || name.toLowerCase() === policy.host.toLowerCase()))
    return;
  throw new BridgeError(
    'BRG_FORBIDDEN',
    'the Host header names another machine; without an admin token the bridge answers to localhost only',
  );
}

/** RFC 6454 section 7: browsers send Origin with everything that is not a plain read. */
function checkOrigin(request: IncomingMessage): void {
  const { origin, host } = request.headers;
  if (origin === undefined && !isForeignSubresource(request)) return;
  // The scheme is left out: behind a TLS proxy the page says https and this server http.
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) return;
  throw new BridgeError(
    'BRG_FORBIDDEN',
    'pages from another origin are refused; a proxy in front must pass the Host header on',
  );
}

/** An image or a script of another site: a plain read without Origin. A link that a person followed is let through. */
function isForeignSubresource({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'] ?? 'none'; // not from a browser, or one that speaks to no safe origin
  return !['same-origin', 'none'].includes(String(site)) && headers['sec-fetch-mode'] !== 'navigate';
}
