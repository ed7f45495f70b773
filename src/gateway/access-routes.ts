/** The routes about who asks: logging in and out, who one is, and what was denied to others. */
import { z } from 'zod';
import { limits } from '../base/limits.ts';
import { SCOPES, type Caller } from '../identity/index.ts';
import type { AccessAsker, AccessDesk } from './access-desk.ts';
import { unauthorized } from './access.ts';
import { limitParameter } from './parameters.ts';
import { BridgeError } from '../base/errors.ts';
import { jsonAnswer, tooMany, type Answer } from './problem.ts';
import { JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';

const me = z.looseObject({
  name: z.string().nullable().describe('null: nobody is asked'),
  via: z.enum(['open', 'setting', 'token', 'user', 'jwt']),
  scopes: z.array(z.enum(SCOPES)),
  agents: z.array(z.string()).nullable().describe('model/id or model/*; null: all'),
  expiresAtMs: z.number().nullable(),
});

const loginSchema = z.strictObject({
  name: z.string().min(1).max(limits.agentIdBytesMax),
  password: z.string().min(1).max(1024),
});

const denial = z.looseObject({
  ts: z.number().describe('ms since epoch, when it was tried last'),
  firstMs: z.number(),
  count: z.number().int(),
  name: z.string().describe('who; empty: nobody who is known'),
  client: z.string().describe('MQTT client id'),
  source: z.string(),
  action: z.enum(['publish', 'subscribe']),
  topic: z.string(),
  rule: z.string().describe('why'),
  allow: z.string().nullable().describe('the command that would allow it'),
});

export const accessRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/login',
    operation: 'login',
    tag: 'access',
    summary: 'A token for a user with name and password, good for some hours',
    body: { schema: loginSchema, mediaTypes: JSON_ONLY, description: 'As `mooring user add` was told' },
    response: {
      status: 200,
      description: 'The token, and what it is good for',
      schema: me.extend({ token: z.string() }),
    },
    errors: ['BRG_UNAUTHORIZED', 'BRG_RATE'],
    does: { kind: 'access', scope: null, answer: (desk, asker, { body }) => login(desk, asker, body) },
  }),
  route({
    method: 'POST',
    path: '/api/logout',
    operation: 'logout',
    tag: 'access',
    summary: 'End the token that was got by logging in, and its connections',
    response: {
      status: 200,
      description: 'Whether it was one',
      schema: z.looseObject({ ended: z.boolean() }),
    },
    does: {
      kind: 'access',
      scope: null,
      answer: ({ callers }, { token }) => jsonAnswer({ ended: token !== null && callers.logout(token) }),
    },
  }),
  route({
    method: 'GET',
    path: '/api/me',
    operation: 'readMe',
    tag: 'access',
    summary: 'Who asks, and what they may',
    response: { status: 200, description: 'It is so', schema: me },
    does: { kind: 'access', scope: null, answer: (_desk, { caller }) => jsonAnswer(described(caller)) },
  }),
  route({
    method: 'GET',
    path: '/api/denials',
    operation: 'listDenials',
    tag: 'access',
    summary: 'What MQTT clients were denied lately, which rule decided, and how to allow it',
    query: z.strictObject({ limit: limitParameter(limits.denialsKeptMax, limits.listAgentsDefault) }),
    response: {
      status: 200,
      description: 'Newest first; the same denial again is one row',
      schema: z.looseObject({ items: z.array(denial) }),
    },
    does: {
      kind: 'access',
      scope: 'read',
      answer: (desk, _asker, { query }) => jsonAnswer({ items: desk.denials(query.limit) }),
    },
  }),
];

async function login(
  { callers }: AccessDesk,
  { source }: AccessAsker,
  { name, password }: z.output<typeof loginSchema>,
): Promise<Answer> {
  const found = await callers.login(name, password, source);
  switch (found.kind) {
    case 'login':
      return jsonAnswer({ token: found.token, ...described(found.caller) });
    case 'wait':
      throw tooMany('too many logins, or too many that failed', found.waitMs);
    case 'weak':
      throw new BridgeError(
        'BRG_FORBIDDEN',
        `${found.name} may do nothing over HTTP; an operator can change that: mooring user scopes ${found.name} read`,
      );
    case 'unknown':
      throw unauthorized('wrong name or password');
  }
}

function described(caller: Caller | null): Record<string, unknown> {
  if (caller === null) return { name: null, via: 'open', scopes: SCOPES, agents: null, expiresAtMs: null };
  const { name, proof, expiresAtMs, reach } = caller;
  const scopes = SCOPES.filter((scope) => caller.may(scope));
  return { name, via: proof, scopes, agents: reach.agents, expiresAtMs };
}
