/** Who a JSON Web Token says somebody is, for MQTT and for HTTP. */
import { parseAddress } from '../base/address.ts';
import type { GrantRow, IdentityRow, Role } from '../store/index.ts';
import { rulesOf } from './access-rules.ts';
import type { JwtClaims } from './jwt.ts';
import { Principal, USER_NAME } from './principal.ts';
import { ALL_SCOPES, isScope, parseAgents, type Reach } from './scopes.ts';

/** Null: the subject can be nobody's name, or the role is none. */
export function vouchedPrincipal(
  claims: JwtClaims,
  grantsOf: (name: string) => readonly GrantRow[],
): Principal | null {
  const row = vouchedRow(claims.subject, claims.payload['role']);
  if (row === null) return null;
  const grants = grantsOf(row.name);
  const { expiresAtMs, generation } = claims;
  const device = row.role === 'device' ? { model: row.model, id: row.id } : null;
  const voucher = { expiresAtMs, generation, grants: JSON.stringify(grants), isAdmin: row.role === 'admin' };
  return new Principal(row.name, device, 0, rulesOf(row, grants), voucher);
}

/** What the subject may over HTTP: its `scope` (RFC 9068 section 2.2.3.1) and `agents`; a device reaches itself. Null: nothing. */
export function vouchedReach({ subject, payload }: JwtClaims): Reach | null {
  const row = vouchedRow(subject, payload['role']);
  if (row === null) return null;
  const { scope, agents } = payload;
  const words = typeof scope === 'string' ? scope.split(' ').filter(isScope) : [];
  const scopes = row.role === 'admin' ? ALL_SCOPES : new Set(words);
  if (scopes.size === 0) return null;
  const named =
    agents === undefined ? null : parseAgents(Array.isArray(agents) ? agents.join(',') : String(agents));
  if (named === undefined) return null; // a typing mistake must not widen what is granted
  if (row.role !== 'device') return { scopes, agents: named };
  return { scopes, agents: [row.name] };
}

/** As `identity` would have it. */
export function vouchedRow(subject: string, claimedRole: unknown): IdentityRow | null {
  const address = parseAddress(subject);
  const role: unknown = claimedRole ?? (address === undefined ? 'user' : 'device');
  const isFitting = address === undefined ? role === 'user' || role === 'admin' : role === 'device';
  if (!isFitting || (address === undefined && !USER_NAME.test(subject))) return null;
  const { model = '', id = '' } = address ?? {};
  return { name: subject, role: role as Role, model, id, secret: '', createdAtMs: 0, version: 0 }; // checked: one of them
}
