/** The route of the audit log. */
import { z } from 'zod';
import { AUDIT_KINDS } from '../actor/index.ts';
import { parseAddress } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { limitParameter, resolveTime, timeParameter } from './parameters.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/audit',
    operation: 'listAudit',
    tag: 'audit',
    summary: 'Who made agents do something, and what became of it',
    query: z.strictObject({
      agent: z
        .string()
        .refine((text) => parseAddress(text) !== undefined, 'expected an address: model/id')
        .optional()
        .describe('only of this agent, as model/id; also one that is forgotten'),
      kind: z.enum(AUDIT_KINDS).optional(),
      from: timeParameter('Start', '0'),
      to: timeParameter('End', 'now'),
      limit: limitParameter(limits.auditListMax, limits.auditListDefault),
      cursor: z.string().min(1).max(1024).optional().describe('cursor of the page before'),
    }),
    response: { status: 200, description: 'A page, newest first', schema: answers.auditAnswer },
    does: {
      kind: 'ask',
      ask: ({ query, nowMs }) => {
        const fromMs = resolveTime(query.from, nowMs);
        const toMs = resolveTime(query.to, nowMs);
        if (fromMs > toMs) throw new BridgeError('BRG_BAD_REQUEST', 'query: from must not be after to');
        const { agent = null, kind = null, limit, cursor = null } = query;
        return { address: null, name: 'audit', body: { agent, kind, fromMs, toMs, limit, cursor } };
      },
    },
  }),
];
