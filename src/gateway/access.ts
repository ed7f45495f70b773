/**
 * Who may ask. Two situations:
 *
 * - No admin token: everything is open, but only to this machine. What stands between a web page and the
 *   bridge then is the browser's same-origin rule, so the Host header must name this machine (a rebound
 *   DNS name does not) and whatever changes something must come from our own origin or from no browser.
 * - An admin token: it, or one that may less, must come with every request for /api, /metrics and /agents. Host may be anything
 *   (a proxy, a public name); Origin is still checked, as the contract says.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BridgeError } from '../base/errors.ts';
import { HttpError } from './problem.ts';

/** The identity of a request that brought the admin token. */
const ADMIN_USER = 'admin';
/** That of one with the token that may read, and change nothing. */
export const READ_USER = 'reader';
/** That of one with the token that may read, and act under the policy of devices. */
export const ACT_USER = 'operator';

const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/;
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[?::1\]?)\.?$/i;
const PROTECTED = /^\/(api|metrics|agents|mcp)(\/|$)/;
/** Where an agent's tools are called: whatever the caller, the policy of the device decides. */
const TOOL_CALL = /^\/api\/agents\/[^/]+\/[^/]+\/tools\/[^/]+$/;
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

export interface AccessPolicy {
  /** The address the server was asked to listen on. */
  readonly host: string;
  readonly adminToken: string | null;
  /** Beside an admin token; null: there is none. */
  readonly readToken: string | null;
  /** Beside an admin token; null: there is none. */
  readonly actToken: string | null;
}

/** Whether a server bound to `host` is reachable from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Lets the request through or throws BRG_FORBIDDEN (Host, Origin) or BRG_UNAUTHORIZED (token).
 * `isAgent`: what is asked is an author's code, which may change something whatever the method.
 * Returns the authenticated user, null when there is none.
 */
export function authorize(
  policy: AccessPolicy,
  request: IncomingMessage,
  target: { path: string; query: URLSearchParams },
  isAgent: boolean,
): string | null {
  if (policy.adminToken === null) checkHost(policy, request.headers.host);
  if (isAgent || !SAFE_METHODS.includes(request.method ?? 'GET')) checkOrigin(request);
  if (policy.adminToken === null || !PROTECTED.test(target.path)) return null;
  const user = userOf(policy, policy.adminToken, request, target.query);
  if (user !== ADMIN_USER) checkLimited(user, request, target);
  return user;
}

/** The same for a browser that an authorization server sends back: it was followed here, and has no token of ours. */
export function authorizeReturn(policy: AccessPolicy, request: IncomingMessage): void {
  if (policy.adminToken === null) checkHost(policy, request.headers.host);
  checkOrigin(request);
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

/**
 * What the tokens beside the admin's are good for: reading, and for the one that may act, the tools of agents. Not an agent's own address, where an author's code runs; not an export, which holds
 * what an agent keeps secret. At /mcp everybody POSTs: there, what acts is not offered.
 */
function checkLimited(user: string, { method = 'GET' }: IncomingMessage, { path }: { path: string }): void {
  const isReading =
    SAFE_METHODS.includes(method) && !path.startsWith('/agents') && !/\/export\/?$/.test(path);
  if (isReading || path === '/mcp') return;
  if (user === READ_USER)
    throw new BridgeError(
      'BRG_FORBIDDEN',
      'the read token may read: not change anything, connect, or export',
    );
  if (method === 'POST' && TOOL_CALL.test(path)) return;
  throw new BridgeError(
    'BRG_FORBIDDEN',
    'the act token may read, and call tools of agents: not approve, administer, connect, or export',
  );
}

function userOf(
  { readToken, actToken }: AccessPolicy,
  adminToken: string,
  request: IncomingMessage,
  query: URLSearchParams,
): string {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  const given = bearer ?? query.get('token');
  if (given !== null && isSameSecret(given, adminToken)) return ADMIN_USER;
  if (given !== null && readToken !== null && isSameSecret(given, readToken)) return READ_USER;
  if (given !== null && actToken !== null && isSameSecret(given, actToken)) return ACT_USER;
  throw new HttpError(
    'BRG_UNAUTHORIZED',
    given === null
      ? 'send the admin token as "Authorization: Bearer <token>" or "?token=<token>"'
      : 'the token is not valid',
    // RFC 6750 section 3
    { 'www-authenticate': given === null ? 'Bearer' : 'Bearer error="invalid_token"' },
  );
}

/** Hashes first: timingSafeEqual needs equal lengths, and the length is part of the secret. */
function isSameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(sha256(given), sha256(secret));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
